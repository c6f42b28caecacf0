"""Vectors to codes: by a codebook of moving averages, or by a fixed grid."""
