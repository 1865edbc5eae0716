"""Codes of NACHA files: which way an entry goes, what a return or a notice of change says.

What the codes mean for a debit and its method is in payments.gateways.ach_codes; here they are only read. A code in no
list is kept, shown and flagged, and nothing follows from it.
"""

from payments.gateways.ach_codes import CHANGES, RETURNS, ToChange

CREDIT, DEBIT = 1, -1
# Second digit: 1 returned or corrected, 2 live, 3 prenote, 4 zero with remittance; the same from 6 on for debits.
_CREDITS = "21 22 23 24 31 32 33 34 41 42 43 44 51 52 53 54 81 83 85 87"
_DEBITS = "26 27 28 29 36 37 38 39 46 47 48 49 55 56 82 84 86 88"
DIRECTIONS = dict.fromkeys(_CREDITS.split(), CREDIT) | dict.fromkeys(_DEBITS.split(), DEBIT)
PRENOTES = frozenset({"23", "28", "33", "38", "43", "48", "53"})

# The payer's bank contests, or ours does: the addenda then name the return that is meant.
DISHONOURED = frozenset({"R61", "R62", "R63", "R64", "R65", "R66", "R67", "R68", "R69", "R70"})
CONTESTED = frozenset({"R71", "R72", "R73", "R74", "R75", "R76", "R77"})
# Retired, as old files have them.
RETIRED = frozenset({"R63", "R64", "R65", "R66", "C10", "C11", "C12"})
_NUMBERS = (ToChange.NUMBER, ToChange.BOTH)


def direction_of(code: str) -> int | None:
    """CREDIT or DEBIT of the receiver's account; None for a transaction code in no list."""
    return DIRECTIONS.get(code)


def is_known(code: str) -> bool:
    return code in RETURNS or code in CHANGES or code in RETIRED


def meaning_of(code: str) -> str:
    """In words; "" for a code in no list."""
    if code in RETURNS:
        return RETURNS[code].meaning
    return CHANGES[code].meaning if code in CHANGES else ""


def corrects_account(code: str) -> bool:
    """Whether the corrected data of a notice hold an account number, which is kept as one. In doubt they do."""
    return code not in CHANGES or CHANGES[code].to in _NUMBERS
