"""A reconciliation as a paper: the equation, every item, who prepared and who signed (R144, R155)."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.money import ZERO, format_amount, format_money
from billing.office.papers.coverage import cover
from billing.office.papers.engine import html_to_pdf
from reconciliation.models import BankReconciliation, VarianceKind, VarianceReason
from reconciliation.selectors.frozen_content import equation_of, list_titles

STYLESHEET = "reconciliation/paper.css"


def paper_of(row: BankReconciliation) -> bytes:
    """An A4 or Letter PDF/A of what was frozen; the same reconciliation gives the same bytes. Raises PdfUnavailable."""
    with override(row.content["language"]):
        html = render_to_string("reconciliation/paper.html", _context(row, row.content))
    return html_to_pdf(html, more=STYLESHEET)


def _context(row: BankReconciliation, content: Mapping[str, Any]) -> dict[str, Any]:
    currency = row.currency
    account, organization = content["account"], content["organization"]
    lists = [
        (title, _rows(content["lists"][what], currency), _sum(content["lists"][what], currency))
        for what, title in list_titles()
        if content["lists"].get(what)
    ]  # fmt: skip
    zone = row.organization.zone
    return {
        "language": content["language"], "size": content["paper"].lower(), "currency": currency,
        "title": _("Bank reconciliation"), "created": (row.signed_at or row.prepared_at).isoformat(timespec="seconds"),
        "organization": _printable(organization["name"]), "address": _printable(organization["address"]),
        "account": _printable(f"{account['name']} ({account['code']})"), "tail": account["tail"],
        "ledger_account": _printable(account["ledger_account"]), "closing_on": date_format(row.closing_on),
        "statement": content["statement"], "equation": [
            (label, format_money(amount, currency), strong) for label, amount, strong in equation_of(content)
        ],
        "lists": lists, "cleared": _rows(content["cleared"], currency),
        "cleared_sum": _sum(content["cleared"], currency),
        "variances": [_variance(one, currency) for one in content["variances"]],
        "matched_by": _printable(", ".join(name for _key, name in content["matchers"])), "digest": row.digest,
        "prepared_by": _printable(str(row.prepared_by)), "prepared_at": row.prepared_at.astimezone(zone),
        "signed_by": _printable(str(row.signed_by or "")),
        "signed_at": row.signed_at.astimezone(zone) if row.signed_at else None, "note": _printable(row.note),
        "before": content["before"],
    }  # fmt: skip


def _rows(rows: list[list[str]], currency: str) -> list[tuple[str, str, str, str]]:
    return [
        (date_format(date.fromisoformat(day)), number, _printable(words), format_amount(Decimal(amount), currency))
        for day, number, words, _kind, amount, _ref in rows
    ]


def _sum(rows: list[list[str]], currency: str) -> str:
    return format_amount(sum((Decimal(row[4]) for row in rows), ZERO), currency)


def _variance(row: list[str], currency: str) -> tuple[str, ...]:
    _subject, kind, amount, since, owner, reason, note = row
    return (
        str(VarianceKind(kind).label), format_amount(Decimal(amount), currency), date_format(date.fromisoformat(since)),
        _printable(owner), str(VarianceReason(reason).label) if reason else "–", _printable(note),
    )  # fmt: skip


def _printable(text: str) -> str:
    return cover(text)[0]
