"""Hidden semi-Markov models with explicit durations, exact, in log space."""
