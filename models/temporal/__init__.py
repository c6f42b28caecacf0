"""Label sequences without flicker: dwell, hysteresis, median."""
