"""The staff console: Django's admin, themed. Its work screens live in the apps' `admin` packages."""
