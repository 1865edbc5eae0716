"""How often one address of the net may ask for pages that need no login."""

from django.core.cache import cache

MOST, SECONDS = 120, 60


def is_too_often(what: str, address: str) -> bool:
    """Counted in this process: a wall against guessing, while what may be paid is counted in the database."""
    key = f"asked:{what}:{address}"
    if cache.add(key, 1, SECONDS):
        return False
    try:
        return bool(cache.incr(key) > MOST)
    except ValueError:  # it ran out between the two
        return False
