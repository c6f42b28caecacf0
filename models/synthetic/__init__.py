"""Behaviour with a known truth: simulated animals, and the best that can be known."""
