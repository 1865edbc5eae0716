"""Structured references and whether their check digits hold."""

from stdnum import iso11649
from stdnum.ch import esr

from reconciliation.rules.matching.normalising import plain_number


def is_sound(reference: str) -> bool:
    """Whether a reference is unharmed as far as it can tell: RF and QRR/ESR carry check digits, others do not."""
    plain = plain_number(reference)
    if plain.startswith("RF"):
        return bool(iso11649.is_valid(plain))
    if len(plain) == 27 and plain.isdigit():
        return bool(esr.is_valid(plain))
    return True
