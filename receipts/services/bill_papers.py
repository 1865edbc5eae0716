"""Tax invoices and credit memos as papers: signed and kept, with the number of their document (R39, R86)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import override

from billing.models import BillingProfile, CreditMemo, Customer, Invoice, InvoiceLine
from billing.office.models import User
from billing.office.policies import policies_for
from billing.rules.address_data import COUNTRIES
from billing.rules.explaining import sentences
from billing.rules.tax_parts import SummaryRow, percent
from billing.selectors.taxes import tax_summary
from billing.transactions import transaction_required
from billing.words import amount_in_words
from receipts.models import IssuedPaper, PaperKind
from receipts.services.issuing import PaperOrder, issue_papers
from receipts.services.letterhead import amount_text, letterhead


@transaction_required
def issue_invoice_paper(*, invoice: Invoice, now: datetime, by: User | None) -> IssuedPaper:
    """The invoice as it was issued, with both parties' tax ids and its tax by code and part.

    A corrected billing profile, or the invoice's becoming void, makes a new version of the same number.
    """
    customer = invoice.customer
    head = _head(customer, now, by)
    facts = {
        **_parties(customer), "document": invoice.number, "issued_on": invoice.issued_on.isoformat(),
        "due_on": invoice.due_on.isoformat(), "terms": invoice.terms, "reference": invoice.creditor_reference,
        "span": [str(invoice.period_start), str(invoice.period_end)] if invoice.period_start else None,
        "agreement": invoice.agreement.number if invoice.agreement else "",
        "voided_on": invoice.voided_on.isoformat() if invoice.voided_on else "",
        "lines": [_line(line, invoice.currency, head["languages"]) for line in invoice.lines.order_by("ordinal")],
        "summary": [_summary(row) for row in tax_summary(invoice)],
        **_sums(invoice.net_amount, invoice.tax_amount), "reason": "",
    }  # fmt: skip
    is_taxed = any(row["rate"] or row["tax"] != "0.00" or row["because"] for row in facts["summary"])
    order = PaperOrder(
        kind=PaperKind.TAX_INVOICE, subject=f"invoice:{invoice.pk}", first=invoice.issued_on, last=invoice.issued_on,
        organization=invoice.organization, reader=customer, number=invoice.number, head=head,
        totals=[(invoice.currency, invoice.invoiced_amount)],
        facts=facts | {"title": "tax_invoice" if is_taxed else "invoice"},
        words=_in_words(invoice.invoiced_amount, invoice.currency, head["languages"]),
    )  # fmt: skip
    return issue_papers(orders=[order], organization=invoice.organization, now=now, by=by)[0]


@transaction_required
def issue_memo_paper(*, memo: CreditMemo, now: datetime, by: User | None) -> IssuedPaper:
    """What was given back of what was billed, with its tax and its reason. Otherwise as issue_invoice_paper."""
    item = memo.credit_item
    customer, currency = item.customer, item.currency
    head = _head(customer, now, by)
    facts = {
        **_parties(customer), "title": "credit_memo", "document": memo.number, "issued_on": memo.issued_on.isoformat(),
        "due_on": "", "terms": "", "reference": "", "span": None, "agreement": "", "lines": [], "summary": [],
        "reason": memo.reason, "voided_on": item.reversed_on.isoformat() if item.reversed_on else "",
        **_sums(memo.net_amount, memo.tax_amount),
    }  # fmt: skip
    order = PaperOrder(
        kind=PaperKind.CREDIT_MEMO, subject=f"credit_memo:{memo.pk}", first=memo.issued_on, last=memo.issued_on,
        organization=memo.organization, reader=customer, number=memo.number, head=head,
        totals=[(currency, item.amount)], facts=facts, words=_in_words(item.amount, currency, head["languages"]),
    )  # fmt: skip
    return issue_papers(orders=[order], organization=memo.organization, now=now, by=by)[0]


def _head(customer: Customer, now: datetime, by: User | None) -> dict[str, Any]:
    organization = customer.organization
    book = policies_for(organization, customer_id=customer.pk)
    return letterhead(organization=organization, customer=customer, issued_at=now, issued_by=by, book=book)


def _in_words(amount: Decimal, currency: str, languages: Sequence[str]) -> dict[str, str]:
    return {code: amount_in_words(amount, currency, code) for code in languages}


def _sums(net: Decimal, tax: Decimal) -> dict[str, str]:
    return {"net": amount_text(net), "tax": amount_text(tax), "total": amount_text(net + tax)}


def _line(line: InvoiceLine, currency: str, languages: Sequence[str]) -> dict[str, Any]:
    """why: how the line came about, in each language of the paper where it was derived, else as it was written."""
    why = {}
    for code in languages:
        with override(code):
            why[code] = " ".join(sentences(line.derivation, currency)) if line.derivation else line.explanation
    return {
        "text": line.description, "why": why, "quantity": f"{line.quantity.normalize():f}",
        "unit_price": amount_text(line.unit_price), "net": amount_text(line.net_amount),
        "rate": percent(line.tax_rate) if line.tax_rate else "", "tax": amount_text(line.tax_amount),
        "total": amount_text(line.net_amount + line.tax_amount),
    }  # fmt: skip


def _summary(row: SummaryRow) -> dict[str, Any]:
    return {
        "name": row.name, "rate": percent(row.rate) if row.rate else "", "net": amount_text(row.net),
        "tax": amount_text(row.tax), "because": row.exempt_because or "",
        "parts": [[part.name, percent(part.rate), amount_text(amount)] for part, amount in row.parts],
    }  # fmt: skip


def _parties(customer: Customer) -> dict[str, Any]:
    """The buyer as the billing profile has it; without one as the customer's own record has it. One query."""
    profile = BillingProfile.objects.filter(customer=customer).first()
    if profile is None:
        buyer = {
            "name": customer.name, "latin_name": customer.latin_name, "address": customer.address,
            "tax_id": customer.tax_id, "country": customer.organization.country, "place": "",
        }  # fmt: skip
        return {"buyer": buyer}
    country = COUNTRIES.get(profile.country)
    region = country.regions.get(profile.region, profile.region) if country else profile.region
    town = " ".join(filter(None, (profile.postal_code, profile.city)))
    lines = [*filter(None, (profile.street, town, region)), country.name if country else profile.country]
    place = f"{region} ({profile.country}-{profile.region})" if country and country.needs_region else ""
    buyer = {
        "name": profile.legal_name, "latin_name": "", "address": "\n".join(map(str, lines)),
        "tax_id": profile.tax_id, "country": profile.country, "place": place,
    }  # fmt: skip
    return {"buyer": buyer}
