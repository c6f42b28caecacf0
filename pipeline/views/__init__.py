"""What a person sees: the live picture, plain lines, drawings of a graph."""
