"""Around the training loop: who is in which part, what is kept, what is told."""
