"""How sure a match is: a share for who paid times a share for what was paid. One table, so that it can be argued."""

from decimal import Decimal
from enum import StrEnum


class Who(StrEnum):
    """How the customer became known."""

    VIRTUAL_ACCOUNT = "virtual_account"
    CODE = "code"
    CODE_REPAIRED = "code_repaired"
    STRUCTURED = "structured"
    NUMBER_AND_PAYER = "number_and_payer"
    NUMBER = "number"
    NUMBER_THIRD_PARTY = "number_third_party"
    TAIL = "tail"
    ACCOUNT = "account"
    ACCOUNT_OTHER_NAME = "account_other_name"
    NAME_EXACT = "name_exact"
    NAME_READ = "name_read"
    NAME_ALIKE = "name_alike"
    CONFLICT_SETTLED = "conflict_settled"
    RULE = "rule"
    NOBODY = "nobody"


class Fit(StrEnum):
    """How the amount fits."""

    EQUAL = "equal"
    DISCOUNT = "discount"
    LESS_FEE = "less_fee"
    PARTIAL = "partial"
    OVER = "over"
    PAID_TWICE = "paid_twice"
    COMPLETED = "completed"
    SINGLE = "single"
    OLDEST_OF_EQUALS = "oldest_of_equals"
    SET = "set"
    SLIPPED = "slipped"
    DISCOUNT_GUESSED = "discount_guessed"
    FEE_GUESSED = "fee_guessed"
    ON_ACCOUNT = "on_account"
    NONE = "none"


WHO = {
    Who.VIRTUAL_ACCOUNT: 100, Who.CODE: 100, Who.CODE_REPAIRED: 95, Who.STRUCTURED: 100, Who.NUMBER_AND_PAYER: 99,
    Who.NUMBER: 96, Who.NUMBER_THIRD_PARTY: 95, Who.TAIL: 93, Who.ACCOUNT: 99, Who.ACCOUNT_OTHER_NAME: 95,
    Who.NAME_EXACT: 98, Who.NAME_READ: 95, Who.NAME_ALIKE: 85, Who.CONFLICT_SETTLED: 95, Who.RULE: 99,
    Who.NOBODY: 0,
}  # fmt: skip
FIT = {
    Fit.EQUAL: 100, Fit.DISCOUNT: 99, Fit.LESS_FEE: 98, Fit.PARTIAL: 96, Fit.OVER: 96, Fit.PAID_TWICE: 96,
    Fit.COMPLETED: 96, Fit.SINGLE: 99, Fit.OLDEST_OF_EQUALS: 96, Fit.SET: 97, Fit.SLIPPED: 96, Fit.DISCOUNT_GUESSED: 96,
    Fit.FEE_GUESSED: 95, Fit.ON_ACCOUNT: 95, Fit.NONE: 50,
}  # fmt: skip


def score(who: Who, fit: Fit) -> Decimal:
    return (Decimal(WHO[who] * FIT[fit]) / 10_000).quantize(Decimal("0.001"))


# What is no match: a repetition or return is as sure as it gets, what nobody can tell is not sure at all.
SURE = Decimal("0.990")
UNSURE = Decimal("0.000")
# What a rule of the house says while it may not act, and where something surely speaks against it.
SUGGESTED = Decimal("0.850")
DOUBTED = Decimal("0.400")
