"""The mathematics: knows no path, no stage, no run."""
