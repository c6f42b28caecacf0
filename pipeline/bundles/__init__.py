"""Bundles: what a trained network is deployed as, told, held against itself, kept."""
