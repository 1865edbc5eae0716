"""Lessons, attendance, packages and lesson credits."""
