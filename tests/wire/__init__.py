"""The fault table: what befalls the link, in which phase, and what is true after it.

`python -m tests.wire` (or `make faults`) runs all of it; the suite a sample.
"""
