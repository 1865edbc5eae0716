"""What the database refuses whatever program writes to it."""
