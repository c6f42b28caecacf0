"""Data sets between this machine and a box: compared, pushed, pulled."""
