"""All desks of the sponsor bank together."""

from tests.sandbox.nach.debtors import Debtors
from tests.sandbox.nach.presentations import Presentations
from tests.sandbox.nach.results import Results


class SponsorBank(Debtors, Presentations, Results):
    """See the package for the wire contract."""
