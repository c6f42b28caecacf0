"""From pipeline.yaml to a Pipeline: every mistake at once, each with its place."""
