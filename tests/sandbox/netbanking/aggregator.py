"""All desks of the aggregator together."""

from tests.sandbox.netbanking.commands import Commands
from tests.sandbox.netbanking.visits import Visits


class NetBanking(Visits, Commands):
    """See the package for the wire contract."""
