"""PrecisePay: the gateway of NMI, which resellers show under names of their own."""

from tests.sandbox.nmi.account import Nmi

__all__ = ["Nmi"]
