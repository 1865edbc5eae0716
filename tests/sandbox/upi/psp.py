"""All desks of the PSP together."""

from tests.sandbox.upi.payer import Payer
from tests.sandbox.upi.settlements import Settlements


class UpiPsp(Payer, Settlements):
    """See the package for the wire contract."""
