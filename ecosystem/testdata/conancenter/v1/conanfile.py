from conan import ConanFile

class Shop(ConanFile):
    requires = "libcurl/7.79.1", "zlib/1.2.11"
    tool_requires = "cmake/3.22.0"
