"""Groups of vectors by one of several strategies, with names that stay."""
