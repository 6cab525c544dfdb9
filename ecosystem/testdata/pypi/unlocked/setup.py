from setuptools import setup
setup(
    name="tool",
    install_requires=[
        "flask == 1.0",
        'jinja2[i18n]==2.10 ; python_version > "3"',
        # "commented==1.0",
        "open>=1",
        "wild==1.*",
    ],
)
