"""Dirichlet processes and their samplers: how many states there are, and which."""
