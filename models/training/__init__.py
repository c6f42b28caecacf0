"""How a network learns: its parts, its data order, its steps, and when to stop."""
