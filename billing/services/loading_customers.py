"""Taking over the customer master from a file."""

from collections.abc import Sequence
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.inputs import clean_text
from billing.models import Customer
from billing.money import parse_signed_amount
from billing.office.models import Organization
from billing.office.secrets import keyed_hash
from billing.services.loading import BadRow, ChangedRow, FileRow, LoadReport, Sheet, read_each, refuse
from billing.transactions import transaction_required

COLUMNS = (
    "customer_code", "name", "latin_name", "tax_id", "email", "phone", "virtual_account", "bank_account",
    "credit_limit",
)  # fmt: skip
REQUIRED = ("customer_code",)
# Longest text of each column, and whether people write it freely.
TEXTS = {
    "customer_code": (40, False), "name": (160, True), "latin_name": (160, True), "tax_id": (40, False),
    "phone": (40, False), "virtual_account": (20, False), "bank_account": (60, False),
}  # fmt: skip


@transaction_required
def load_customers(*, organization: Organization, sheet: Sheet, rows: Sequence[FileRow | BadRow]) -> LoadReport:
    """Add the customers of a file that are not there yet. One there already is compared, never changed."""
    report = LoadReport()
    facts = read_each(rows, lambda row: (row, _read_customer(row, organization.currency)), report)
    codes = {customer.code for _row, customer in facts}
    stored = {c.code: c for c in Customer.objects.filter(organization=organization, code__in=codes)}
    taken = _virtual_accounts(organization, [customer for _row, customer in facts])
    fresh: list[Customer] = []
    for row, customer in facts:
        earlier = stored.get(customer.code)
        if earlier is not None:
            _compare(report, row, sheet, earlier, customer)
            continue
        owner = taken.setdefault(customer.virtual_account, customer.code) if customer.virtual_account else customer.code
        if owner != customer.code:
            sentence = _("This virtual account belongs to customer {owner}.")
            report.refused.append(refuse(row, BadInput(sentence, field="virtual_account", owner=owner)))
            continue
        customer.organization = organization
        stored[customer.code] = customer
        fresh.append(customer)
    Customer.objects.bulk_create(fresh)
    report.new = len(fresh)
    return report


def _read_customer(row: FileRow, currency: str) -> Customer:
    texts = {
        column: clean_text(row.text(column), field=column, longest=longest, free=free, required=column in REQUIRED)
        for column, (longest, free) in TEXTS.items()
    }
    code, account = texts.pop("customer_code"), texts["bank_account"]
    limit = row.text("credit_limit")
    return Customer(
        code=code, **texts | {"name": texts["name"] or code}, email=_read_email(row.text("email")),
        bank_account_hash=keyed_hash(account) if account else "",
        credit_limit=_read_limit(limit, currency) if limit else None,
    )  # fmt: skip


def _read_email(text: str) -> str:
    if text:
        try:
            validate_email(text)
        except ValidationError:
            raise BadInput(_("This is not an e-mail address."), field="email", code="not_an_email") from None
    return clean_text(text, field="email", longest=254)


def _read_limit(text: str, currency: str) -> Decimal:
    limit = parse_signed_amount(text, currency, field="credit_limit")
    if limit < 0:
        raise BadInput(_("The amount must not be negative."), field="credit_limit", code="negative")
    return limit


def _virtual_accounts(organization: Organization, customers: Sequence[Customer]) -> dict[str, str]:
    wanted = {customer.virtual_account for customer in customers} - {""}
    rows = Customer.objects.filter(organization=organization, virtual_account__in=wanted)
    return dict(rows.values_list("virtual_account", "code"))


def _compare(report: LoadReport, row: FileRow, sheet: Sheet, earlier: Customer, now: Customer) -> None:
    changes = []
    for column in sheet.header:
        if column == "customer_code" or (column == "name" and not row.text("name")):
            continue
        if column == "bank_account":
            if earlier.bank_account_hash != now.bank_account_hash:
                changes.append(ChangedRow(row, now.code, column, str(_("(kept secret)")), str(_("(kept secret)"))))
            continue
        old, new = getattr(earlier, column), getattr(now, column)
        if old != new:
            changes.append(ChangedRow(row, now.code, column, _shown(old), _shown(new)))
    report.changed += changes
    report.known += not changes


def _shown(value: object) -> str:
    return "" if value is None else str(value)
