from setuptools import setup
setup(name="own")
