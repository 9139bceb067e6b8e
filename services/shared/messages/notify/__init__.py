"""What notify says, and what it can be asked."""
