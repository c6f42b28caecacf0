"""What a run would need, asked in one go: of this machine, of the way, of the box."""
