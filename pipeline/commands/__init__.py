"""One file per verb of the command: `do(args, paths)` gives the exit code."""
