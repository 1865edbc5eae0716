"""The tax invoice: an issued invoice as a paper, with both parties' tax ids and its tax by code and part (R39, R86)."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_GET

from billing.admin.base import ConsoleRequest, console_path
from billing.admin.invoice_page import find_invoice
from billing.admin.panels import Context, panel
from billing.admin.taxing.invoice_words import LANGUAGES, labels_in, tagged
from billing.models import BillingProfile, Customer, Invoice, InvoiceLine
from billing.office.models import Organization
from billing.office.policies import policies_for
from billing.rules.address_data import COUNTRIES
from billing.rules.explaining import sentences
from billing.rules.tax_parts import SummaryRow, percent
from billing.selectors.taxes import tax_summary
from billing.words import amount_in_words

LETTER_COUNTRIES = frozenset(("US", "CA", "MX"))


@panel("invoice", "console/taxing/invoice_panel.html", order=5)
def _panel(request: ConsoleRequest, invoice: Invoice) -> Context:
    """What the tax is made of. One query."""
    return {"invoice": invoice, "rows": [_row(row) for row in tax_summary(invoice)]}


@console_path("invoices/<int:pk>/tax-invoice/", "tax_invoice", "see_receivables")
@require_GET
def tax_invoice(request: ConsoleRequest, pk: int) -> HttpResponse:
    """To print, in the languages that papers for this customer have."""
    invoice = find_invoice(request, pk)
    book = policies_for(request.organization, customer_id=invoice.customer_id)
    languages = [code for code in book.choices("receipts.languages") if code in LANGUAGES] or ["en"]
    labels = labels_in(languages)
    rows = [_row(row) for row in tax_summary(invoice)]
    bar = {"words": _("Back to the invoice"), "print": _("Print"), "back": reverse("admin:invoice", args=[pk])}
    with override(languages[0]):
        context = {
            "labels": labels, "bar": bar, "invoice": invoice, "rows": rows, "lines": _lines(invoice),
            "seller": _seller(invoice.organization, languages), "buyer": _buyer(invoice.customer, labels),
            "title": labels["tax_invoice" if any(row["is_taxed"] for row in rows) else "invoice"],
            "in_words": [
                tagged([(code, amount_in_words(invoice.invoiced_amount, invoice.currency, code))])
                for code in languages
            ],
            "paper": "letter" if invoice.organization.country in LETTER_COUNTRIES else "a4",
            "seller_tax_id": _tax_id_label(labels, invoice.organization.country),
        }  # fmt: skip
        return render(request, "console/taxing/tax_invoice.html", context)


def _row(row: SummaryRow) -> dict[str, Any]:
    return {
        "name": row.name, "percent": percent(row.rate) if row.rate else "", "net": row.net, "tax": row.tax,
        "because": row.exempt_because, "is_taxed": bool(row.tax or row.rate or row.exempt_because),
        "parts": [(part.name, percent(part.rate), amount) for part, amount in row.parts],
    }  # fmt: skip


def _lines(invoice: Invoice) -> list[dict[str, Any]]:
    """Each line with how it came about in the language that is on. One query."""

    def why(line: InvoiceLine) -> Sequence[str]:
        return sentences(line.derivation, invoice.currency) if line.derivation else [line.explanation]

    return [
        {
            "line": line, "percent": percent(line.tax_rate) if line.tax_rate else "", "why": " ".join(why(line)),
            "total": line.net_amount + line.tax_amount,
        }
        for line in invoice.lines.order_by("ordinal")
    ]  # fmt: skip


def _seller(organization: Organization, languages: Sequence[str]) -> dict[str, Any]:
    names = {"en": organization.name, "zh-hant": organization.local_name or organization.name}
    places = {"en": organization.address, "zh-hant": organization.local_address or organization.address}
    return {
        "name": tagged((code, names[code]) for code in languages),
        "addresses": list(dict.fromkeys(places[code] for code in languages if places[code])),
        "tax_id": organization.tax_id, "contact": " ".join(filter(None, (organization.phone, organization.email))),
    }  # fmt: skip


def _buyer(customer: Customer, labels: dict[str, Any]) -> dict[str, Any]:
    """As the billing profile has it; without one as the customer's own record has it. One query."""
    profile = BillingProfile.objects.filter(customer=customer).first()
    if profile is None:
        return {
            "name": customer.name, "lines": customer.address.splitlines(), "tax_id": customer.tax_id,
            "tax_id_label": _tax_id_label(labels, customer.organization.country), "place": "", "code": customer.code,
        }  # fmt: skip
    country = COUNTRIES.get(profile.country)
    region = country.regions.get(profile.region, profile.region) if country else profile.region
    town = " ".join(filter(None, (profile.postal_code, profile.city)))
    return {
        "name": profile.legal_name,
        "lines": [*filter(None, (profile.street, town, region)), country.name if country else profile.country],
        "tax_id": profile.tax_id, "tax_id_label": _tax_id_label(labels, profile.country), "code": customer.code,
        "place": f"{region} ({profile.country}-{profile.region})" if country and country.needs_region else "",
    }  # fmt: skip


def _tax_id_label(labels: dict[str, Any], country: str) -> Any:
    return labels.get(f"tax_id_{country}", labels["tax_id"])
