"""One laptop watching one run: what comes home while somebody looks."""
