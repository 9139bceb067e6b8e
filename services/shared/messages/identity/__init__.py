"""What identity says, and what it can be asked."""
