"""Ship code to a box, run its stages there, and seal each with a commit."""

__version__ = "0.1.0"
