"""Taking over past payments and who sent them, for matching to learn from."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.inputs import clean_text, parse_day
from billing.models import Customer, PayerRecord
from billing.money import parse_amount
from billing.office.models import Organization
from billing.office.secrets import keyed_hash
from billing.services.loading import BadRow, FileRow, LoadReport, read_each
from billing.transactions import transaction_required

COLUMNS = ("paid_on", "payer_name", "payer_account", "amount", "customer_code")
REQUIRED = ("paid_on", "amount", "customer_code")


@transaction_required
def load_payer_history(*, organization: Organization, rows: Sequence[FileRow | BadRow]) -> LoadReport:
    """Add past payments and who turned out to have sent them; one loaded before is known by its fingerprint."""
    report = LoadReport()
    codes = {row.text("customer_code") for row in rows if isinstance(row, FileRow)}
    customers = dict(Customer.objects.filter(organization=organization, code__in=codes).values_list("code", "pk"))
    facts = read_each(rows, lambda row: _read_payer_record(row, organization, customers), report)
    wanted = {record.fingerprint: record for record in facts}
    there = set(
        PayerRecord.objects.filter(organization=organization, fingerprint__in=wanted).values_list(
            "fingerprint", flat=True
        )
    )
    fresh = [record for print_, record in wanted.items() if print_ not in there]
    PayerRecord.objects.bulk_create(fresh, ignore_conflicts=True)
    report.new, report.known = len(fresh), len(facts) - len(fresh)
    return report


def _read_payer_record(row: FileRow, organization: Organization, customers: dict[str, int]) -> PayerRecord:
    paid_on = parse_day(row.text("paid_on"), field="paid_on")
    amount = parse_amount(row.text("amount"), organization.currency)
    name = clean_text(row.text("payer_name"), field="payer_name", longest=160)
    account = clean_text(row.text("payer_account"), field="payer_account", longest=60, free=False)
    code = clean_text(row.text("customer_code"), field="customer_code", longest=40, free=False, required=True)
    if code not in customers:
        sentence = _("There is no customer {wanted}.")
        raise BadInput(sentence, field="customer_code", code="unknown_customer", wanted=code)
    facts = "\x1f".join((paid_on.isoformat(), name, account, f"{amount:.2f}", code))
    return PayerRecord(
        organization=organization, customer_id=customers[code], paid_on=paid_on, payer_name=name,
        payer_account=account, payer_account_hash=keyed_hash(account) if account else "", amount=amount,
        currency=organization.currency, fingerprint=keyed_hash(facts),
    )  # fmt: skip
