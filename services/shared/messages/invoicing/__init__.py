"""What invoicing says, and what it can be asked."""
