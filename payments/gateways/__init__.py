"""Outsiders that move money: one folder each, all behind the port of `base`. They never import services."""
