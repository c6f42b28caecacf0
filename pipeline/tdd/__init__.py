"""Tests proved both ways: they pass with the code, and fail without it."""
