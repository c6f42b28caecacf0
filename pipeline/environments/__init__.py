"""The Python that stages run in: found or built, and what it has."""
