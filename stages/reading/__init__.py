"""Recordings in: whatever they were written as, they leave here in one form."""
