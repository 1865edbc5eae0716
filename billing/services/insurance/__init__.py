"""Insurance policies and their loans."""
