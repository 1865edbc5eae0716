"""The double-entry journal. It knows nothing of who posts."""
