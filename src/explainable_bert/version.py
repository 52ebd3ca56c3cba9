"""The package's version, for the build and for what is written into files."""

__version__ = "0.1.0"
