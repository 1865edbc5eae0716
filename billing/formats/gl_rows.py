"""A journal line as the layouts get it: with its customer, and what they need to know of the books."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from billing.ledger.export import ExportRow


class PartyRow(NamedTuple):
    """customer_code, customer_name: "" for a line that is no customer's."""

    line: ExportRow
    customer_code: str
    customer_name: str


@dataclass(frozen=True)
class BookFacts:
    """Whose books a file is of. currency: of the organization. country: ISO code."""

    title: str
    currency: str
    country: str
    first: date
    last: date
