"""The nouns of matching: what a bank line says, what the books hold, what is decided."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from billing.money import ZERO
from billing.rules.priced import Step


class Action(StrEnum):
    """AUTO is posted without a person, SUGGEST shown to one. IGNORE: no customer's payment."""

    AUTO = "auto"
    SUGGEST = "suggest"
    NONE = "none"
    DUPLICATE = "duplicate"
    REVERSAL = "reversal"
    IGNORE = "ignore"


@dataclass(frozen=True)
class DocumentFacts:
    """An invoice that structured remittance names, with the amount it says was paid on it."""

    number: str
    amount: Decimal | None = None


@dataclass(frozen=True)
class LineFacts:
    """A line of a bank statement, as the bank wrote it. amount: signed, money into the account positive.

    id: ours, of the stored line. references: structured creditor references. code: the bank's own code of the kind
    of line. is_suspected_duplicate: the import saw its like before.
    """

    id: int
    amount: Decimal
    currency: str
    booked_on: date
    ordinal: int = 0
    value_on: date | None = None
    bank_reference: str = ""
    end_to_end_id: str = ""
    original_reference: str = ""
    references: tuple[str, ...] = ()
    documents: tuple[DocumentFacts, ...] = ()
    party_name: str = ""
    party_account: str = ""
    ultimate_party: str = ""
    text: str = ""
    virtual_account: str = ""
    code: str = ""
    return_code: str = ""
    is_reversal: bool = False
    is_suspected_duplicate: bool = False
    has_lost_characters: bool = False

    @property
    def paid_on(self) -> date:
        """The day that counts for a discount: the bank's value date, else its booking day."""
        return self.value_on or self.booked_on


@dataclass(frozen=True)
class CustomerFacts:
    id: int
    code: str
    name: str
    latin_name: str = ""
    tax_id: str = ""
    virtual_account: str = ""
    account: str = ""


@dataclass(frozen=True)
class InvoiceFacts:
    """An invoice, open or closed. Amounts in its currency. discount_amount: what the terms allow off if it is paid
    whole by discount_until."""

    id: int
    number: str
    customer_id: int
    currency: str
    issued_on: date
    due_on: date
    invoiced_amount: Decimal
    open_amount: Decimal
    discount_amount: Decimal = ZERO
    discount_until: date | None = None
    is_disputed: bool = False
    creditor_reference: str = ""
    partial_allowed: bool = True


class AliasKind(StrEnum):
    NAME = "name"
    ACCOUNT = "account"


@dataclass(frozen=True)
class Alias:
    """Who turned out to be behind a payer's name or account. confirmations: times a person said so.

    is_loaded: taken over as history; once is then enough, as people decided it elsewhere.
    """

    kind: AliasKind
    value: str
    customer_id: int
    confirmations: int = 1
    last_on: date | None = None
    is_loaded: bool = False


@dataclass(frozen=True)
class MatchingPolicy:
    """The rules of the house. Amounts in the bank account's currency.

    write_off_below: what is short by less is written off. fee_allowance: a shortage below it may be a bank's fee;
    what is not written off stays open. discount_grace: days beyond the terms. person_above: no amount above it is
    posted by itself, None for no limit. round_step: sums of whole steps may be payments on account.
    """

    write_off_below: Decimal = ZERO
    fee_allowance: Decimal = ZERO
    discount_grace: int = 2
    person_above: Decimal | None = None
    round_step: Decimal = Decimal(100)
    auto_from: Decimal = Decimal("0.90")
    suggest_from: Decimal = Decimal("0.30")
    reversal_days: int = 90
    learned_from: int = 2


@dataclass(frozen=True)
class Part:
    """What one invoice gets of a line."""

    invoice_id: int
    number: str
    cash: Decimal
    discount: Decimal = ZERO
    write_off: Decimal = ZERO

    @property
    def settled(self) -> Decimal:
        return self.cash + self.discount + self.write_off


@dataclass(frozen=True)
class Candidate:
    """What a person may choose instead. difference: line less what the invoices ask for."""

    customer_id: int
    numbers: tuple[str, ...]
    difference: Decimal
    score: Decimal
    reason: str


class RuleDeed(StrEnum):
    """What a rule of the house does with a line: book it to a ledger account, make it a customer's payment, hold it in
    suspense, or leave it to a person."""

    ITEM = "item"
    PAYMENT = "payment"
    SUSPENSE = "suspense"
    PERSON = "person"


@dataclass(frozen=True)
class RuleFacts:
    """A rule that people made. acts: it may post by itself.

    direction: "in", "out", "" for both. text_has: phrases that all occur in the text, text_lacks: none of which does;
    payer_has, bank_code: "" for any. amount_from, amount_to: of either direction, None for no bound.
    """

    id: int
    version: int
    name: str
    deed: RuleDeed
    acts: bool = False
    direction: str = ""
    text_has: tuple[str, ...] = ()
    text_lacks: tuple[str, ...] = ()
    payer_has: str = ""
    bank_code: str = ""
    amount_from: Decimal | None = None
    amount_to: Decimal | None = None
    customer_id: int | None = None


@dataclass(frozen=True)
class Decision:
    """What to do with a line and why. parts and unapplied add up to the line's amount when a customer is named.

    reason: the class of evidence the score belongs to. other_line: the line that this one repeats or takes back.
    named: keys of the invoices that the text names. rule: the rule of the house that says so.
    """

    line_id: int
    action: Action
    reason: str
    score: Decimal = ZERO
    customer_id: int | None = None
    parts: tuple[Part, ...] = ()
    unapplied: Decimal = ZERO
    other_line: int | None = None
    evidence: tuple[Step, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    named: tuple[int, ...] = ()
    rule: RuleFacts | None = None
