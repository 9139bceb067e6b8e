"""What catalog says, and what it can be asked."""
