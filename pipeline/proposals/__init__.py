"""What a repository seems to hold, and a first pipeline.yaml for it."""
