"""Files of Indian banks: collections by virtual account or UPI (CSV), and what came of NACH debits (306 columns)."""

from reconciliation.formats import india_collect, india_nach
from reconciliation.formats.base import Pieces
from reconciliation.formats.source import Source


def sniff(head: bytes, name: str) -> bool:
    return india_nach.sniff(head) or india_collect.sniff(head)


def read(source: Source) -> Pieces:
    """Raises FileRefused."""
    if india_nach.sniff(source.head()):
        return india_nach.read(source)
    return india_collect.read(source)
