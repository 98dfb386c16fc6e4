"""COMPASS: the institutional memory of an engineering organization, kept as plain files in Git."""

__version__ = "0.1.0"
