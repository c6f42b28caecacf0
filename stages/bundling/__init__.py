"""What `export` puts into a bundle, and how it proves that it runs."""
