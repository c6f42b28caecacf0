"""Parts of the stage vq_selftest: what was found, and how it is told."""
