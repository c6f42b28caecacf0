"""The crash table: what is killed, where, and how the run ends after it.

`python -m tests.crash` (or `make crash`) runs all of it; the suite a sample.
"""
