"""One module per stage: verbs and glue, no mathematics."""
