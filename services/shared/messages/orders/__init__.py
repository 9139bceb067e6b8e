"""What orders says, and what it can be asked."""
