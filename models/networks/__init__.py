"""Encoder, decoder and classifier of 2-D convolutions, and what they must not hold."""
