"""Textbook stories, end to end: each cites its source and shows the whole journal."""
