"""Late fees: once for an invoice, rule and month, billed as an invoice that explains itself (R74)."""

from collections.abc import Sequence
from datetime import date, datetime

from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.models import InvoiceKind, LateFee
from billing.office.models import Organization, User
from billing.rules.priced import NO_TAX, price_line
from billing.selectors.chasing.files import CaseFile
from billing.services.invoicing import InvoiceOrder, LineOrder, issue_invoices
from billing.transactions import transaction_required


@transaction_required
def bill_late_fees(
    *, organization: Organization, files: Sequence[CaseFile], today: date, now: datetime, by: User | None
) -> list[LateFee]:  # fmt: skip
    """Bill the next late fee of each file, due at once; all fees of an invoice add up to the rule's total. Set-based.

    files: each with a fee to bill; customers locked. Posts "Invoice issued" for each.
    """
    if not files:
        return []
    orders = [_order(file, today) for file in files]
    invoices = issue_invoices(organization=organization, orders=orders, now=now, by=by)
    rows = []
    for file, invoice in zip(files, invoices, strict=True):
        assert file.fee is not None
        rows.append(
            LateFee(
                organization=organization, invoice=file.case.invoice, rule=file.book.text("late_fee.kind"),
                period=file.fee.period, fee_invoice=invoice, currency=invoice.currency, amount=file.fee.amount,
                charged_on=today, derivation=[step.to_json() for step in file.fee.steps], made_at=now,
            )
        )  # fmt: skip
    return LateFee.objects.bulk_create(rows)


def _order(file: CaseFile, today: date) -> InvoiceOrder:
    invoice, fee = file.case.invoice, file.fee
    assert fee is not None
    with override(file.case.customer.language):
        text = _("Late fee on {number}").format(number=invoice.number)
        line = LineOrder.of(price_line(text, fee.amount, invoice.currency, NO_TAX, steps=fee.steps), invoice.currency)
    return InvoiceOrder(
        customer_id=invoice.customer_id, lines=[line], issued_on=today, due_on=today, currency=invoice.currency,
        kind=InvoiceKind.FEE, agreement_id=invoice.agreement_id, department=invoice.department,
        project=invoice.project,
    )  # fmt: skip
