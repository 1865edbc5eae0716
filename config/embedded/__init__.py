"""PostgreSQL from a wheel, for the demo, development and tests: used when DATABASE_URL is unset.

`config.embedded` is the database ENGINE. Settings only compute an address (`address.py`); the first
connection starts the server (`base.py`), so that checks, type checking and collectstatic start nothing.
"""
