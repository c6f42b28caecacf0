"""What comes home of a run, and where it lands: files, artifacts, commits."""
