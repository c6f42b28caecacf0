"""The connection to a place where runs live: one protocol, three ways to keep it."""
