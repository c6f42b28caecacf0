"""The code as it stands, as a commit, with nothing of the user's touched."""
