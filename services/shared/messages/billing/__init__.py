"""What billing says, and what it can be asked."""
