"""Real recordings made fit: units, gaps, rates, windows; arrays in, arrays out."""
