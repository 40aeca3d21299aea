"""The version of the library and of the extension."""

__version__ = "0.2.0"
