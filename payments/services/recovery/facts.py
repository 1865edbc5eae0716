"""What a decision about a failed charge is made of, and the decision: plain values, read and made elsewhere."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from billing.money import ZERO
from billing.rules.priced import Step
from payments.models.recovery import Verdict
from payments.services.recovery.matrix import THREE


@dataclass(frozen=True)
class Way:
    """A method that may be charged now. place: 1 is the primary."""

    method: int
    instrument: str
    place: int
    gateway_account: int


@dataclass(frozen=True)
class Tried:
    """A method that was tried for this invoice, and how its last try ended.

    place: 0 where it may be charged no more. code: the bank's, of a debit. presented: tries that were carried out,
    of the same card or account at any processor. tried_at: tries of the same card for the same amount within 30 days.
    """

    method: int
    instrument: str
    place: int
    gateway_account: int
    reason: str
    last_at: datetime
    first_at: datetime
    presented: int = 1
    brand: str = ""
    code: str = ""
    advice: str = ""
    retry_after: datetime | None = None
    tried_at: tuple[datetime, ...] = ()


@dataclass(frozen=True)
class History:
    """How often charges worked: of this payer in a year, and further tries at this processor lately."""

    payer_won: int = 0
    payer_tries: int = 0
    gateway_won: int = 0
    gateway_tries: int = 0


@dataclass(frozen=True)
class Failure:
    """A charge that failed. is_final: its outcome is known. is_proven: it was certainly not carried out.

    tried: the one that failed first, then others of the same invoice. untried: by place. first_at: of the first
    failure of this invoice. technical: failures in a row, to the last, of which the payer is not the cause.
    retries: further tries made so far. is_held: suspected fraud of this customer waits for a person. is_uncertain:
    another charge of the invoice is not known yet. escalates_on: the next step of its timeline that is no message.
    succeeded_at: when this payer's charges worked, local to the organization.
    """

    amount: Decimal
    tried: tuple[Tried, ...]
    first_at: datetime
    is_final: bool = True
    is_proven: bool = False
    is_attended: bool = False
    is_held: bool = False
    is_uncertain: bool = False
    untried: tuple[Way, ...] = ()
    technical: int = 0
    retries: int = 0
    escalates_on: date | None = None
    history: History = field(default_factory=History)
    succeeded_at: tuple[datetime, ...] = ()

    @property
    def failed(self) -> Tried:
        return self.tried[0]


@dataclass(frozen=True)
class Terms:
    """The settings that hold for the customer. waits: after the first failure, never shorter than the matrix's.

    There are at most as many further tries as waits. backups: "at_once", "last" or "never". least_value: what a
    further try must be worth more than. cost: of one try. pay_day: of the month, as the family chose, 0 for none.
    opens, closes: hours between which is charged.
    """

    zone: ZoneInfo
    waits: tuple[timedelta, ...] = THREE
    backups: str = "at_once"
    fails_over: bool = True
    least_value: Decimal = ZERO
    cost: Decimal = ZERO
    visa_most: int = 20
    pay_day: int = 0
    opens: int = 7
    closes: int = 21


@dataclass(frozen=True)
class Decision:
    """verdict, and for a further try its instant and the key of its method. because: how it came about."""

    verdict: Verdict
    because: tuple[Step, ...]
    try_at: datetime | None = None
    method: int | None = None
    value: Decimal | None = None
