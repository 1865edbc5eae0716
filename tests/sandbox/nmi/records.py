"""What the gateway remembers: never a whole number, only its ends and a fingerprint."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

# Of a name and address: the request's field, and the same in reports and webhooks. Some have two live spellings.
ADDRESS = (
    ("first_name", ("first_name", "firstname")), ("last_name", ("last_name", "lastname")),
    ("address_1", ("address1",)), ("address_2", ("address2",)), ("company", ("company",)), ("city", ("city",)),
    ("state", ("state",)), ("postal_code", ("zip",)), ("country", ("country",)), ("email", ("email",)),
    ("phone", ("phone",)),
)  # fmt: skip


def address_of(form: Mapping[str, str]) -> dict[str, str]:
    return {name: next((form[key] for key in keys if key in form), "") for name, keys in ADDRESS}


@dataclass(frozen=True)
class Method:
    """kind: cc or ck. first, last: the digits at the ends that may be known. expires: MMYY, "" for a bank account."""

    kind: str
    fingerprint: str
    first: str
    last: str
    digits: int
    brand: str = ""
    expires: str = ""
    aba: str = ""
    holder: str = ""
    holder_type: str = ""
    account_type: str = ""
    sec_code: str = ""

    @property
    def in_reports(self) -> str:
        """4xxxxxxxxxxx1111, as query.php shows a card."""
        return f"{self.first[:1]}{'x' * (self.digits - 5)}{self.last}"

    @property
    def in_events(self) -> str:
        """411111******1111, as webhooks and Collect.js show a card."""
        return f"{self.first}{'*' * (self.digits - len(self.first) - 4)}{self.last}"

    @property
    def account(self) -> str:
        """*****3815: a bank account anywhere."""
        return f"{'*' * max(1, self.digits - 4)}{self.last}"


@dataclass
class Token:
    """A payment_token: good for one request and for a day. cvv: whether a code came with it, and whether it fits."""

    method: Method
    made_at: datetime
    cvv: str = ""
    is_used: bool = False


@dataclass
class Action:
    """One thing that befell a transaction. minor: minor units, negative for money that goes back to the payer."""

    kind: str
    minor: int
    at: datetime
    code: str
    text: str
    is_success: bool = True
    source: str = "api"
    batch: str = "0"
    ip: str = ""
    return_code: str = ""
    return_text: str = ""
    condition: str = ""  # of the transaction, once this was done


@dataclass
class Transaction:
    """condition: pending, pendingsettlement, in_progress, complete, failed, canceled, unknown. minor: asked for."""

    id: str
    kind: str
    condition: str
    order_id: str
    method: Method
    minor: int
    currency: str
    made_at: datetime
    address: dict[str, str]
    actions: list[Action] = field(default_factory=list)
    approved: int = 0
    captured: int = 0
    refunded: int = 0
    avs: str = ""
    cvv: str = ""
    auth_code: str = ""
    vault_id: str = ""
    description: str = ""
    processor: str = ""
    billing_method: str = ""
    refunds: str = ""
    partial_id: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def updated_at(self) -> datetime:
        return max((action.at for action in self.actions), default=self.made_at)

    @property
    def balance(self) -> int:
        """What is left on a partial payment."""
        return self.minor - self.approved if self.partial_id else 0


@dataclass
class Billing:
    """A way to pay inside a vault record. decline: the code with which every charge of it is declined."""

    id: str
    method: Method
    address: dict[str, str]
    acu: bool = True
    decline: str = ""


@dataclass
class Vault:
    """A customer's record; the first billing is the one that is charged if none is named."""

    id: str
    made_at: datetime
    updated_at: datetime
    billings: dict[str, Billing] = field(default_factory=dict)
    account_updated_at: datetime | None = None

    def chosen(self, billing_id: str = "") -> Billing | None:
        return self.billings.get(billing_id) if billing_id else next(iter(self.billings.values()), None)
