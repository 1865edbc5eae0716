"""Five invented organizations, made by running the real services over half a year."""
