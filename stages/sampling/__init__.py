"""Chains of a sampler beside each other, and how what they found is judged."""
