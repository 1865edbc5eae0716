"""The line to outsiders, by the name under which adapters of processors know it."""

from billing.office.wire import HIDDEN, KEPT, NAMES, Answer, Exchange, Lost, NotSent, Wire, scrub

__all__ = ["HIDDEN", "KEPT", "NAMES", "Answer", "Exchange", "Lost", "NotSent", "Wire", "scrub"]
