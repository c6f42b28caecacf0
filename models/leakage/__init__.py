"""Whether what judges was kept apart from what was learned from."""
