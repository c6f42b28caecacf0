"""Data sets outside git: what stands for one, what its home holds, how it travels."""
