"""The forms of the workbench's verbs: their inputs, and how what was typed becomes what is asked."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.admin.base import ConsoleRequest
from billing.admin.working import Field, Form
from billing.errors import Sentence
from billing.models import Customer, Invoice
from reconciliation.models import StatementLine
from reconciliation.selectors.matching_rules import bookable_accounts
from reconciliation.selectors.workbench_finding import open_invoices
from reconciliation.services.workbench_verbs import INVOICE, REASONS, SPLIT_ROWS
from reconciliation.services.working_lines import Asked

# What of a form is carried along without an input of its own.
CARRIED = ("customer", "kind", "record", "other")
STRATEGY_WORDS: tuple[tuple[str, Sentence], ...] = (
    ("fifo", _("oldest issue day first")), ("due_date", _("longest due first")), ("amount", _("largest first")),
    ("manual", _("by hand, as typed below")), ("none", _("keep all of it as credit")),
)  # fmt: skip


def form_of(verb: str, line: StatementLine, is_asking: bool) -> Form:
    """The inputs of a verb. is_asking: a supervisor is asked, who reads the reason."""
    fields = [*FIELDS.get(verb, _note_only)(line)]
    if is_asking:
        fields.append(Field("reason", _("Why, for the supervisor"), "area"))
    return Form(fields, hidden=dict.fromkeys((*CARRIED, "request_key", "seen"), ""))


def asked_of(verb: str, form: Form, posted: Mapping[str, Any]) -> Asked:
    """What was typed, by name; what is empty is left out."""
    names = [field.name for field in form.fields if field.name != "reason"]
    names += [*CARRIED, *(name for name in posted if name.startswith(INVOICE))]
    typed = {name: str(posted.get(name, "")).strip() for name in names}
    return Asked(
        verb, {name: text[:400] for name, text in typed.items() if text}, form.hidden["request_key"],
        form.hidden["seen"],
    )  # fmt: skip


def _note_only(line: StatementLine) -> list[Field]:
    return [Field("note", _("Note"), required=False)]


def _part(line: StatementLine) -> Field:
    return Field("amount", _("How much of it"), "amount", required=False, help=_("Empty: all that is left."))


def _payment(line: StatementLine) -> list[Field]:
    return [
        Field("strategy", _("Set against invoices"), "select", "fifo", choices=STRATEGY_WORDS),
        _part(line), *_note_only(line),
    ]  # fmt: skip


def _item(line: StatementLine) -> list[Field]:
    accounts = [(str(one.pk), f"{one.code} {one.name}") for one in bookable_accounts(line.organization_id)]
    return [
        Field("ledger_account", _("Ledger account"), "select", choices=[("", _("choose…")), *accounts]),
        Field("reason_code", _("What it is"), "select", choices=[("", _("choose…")), *REASONS.items()]),
        _part(line), *_note_only(line),
        Field("department", _("Department"), required=False, longest=40),
        Field("project", _("Project"), required=False, longest=40),
    ]  # fmt: skip


def _suspense(line: StatementLine) -> list[Field]:
    return [_part(line), Field("note", _("What was tried so far"), required=False)]


def _split(line: StatementLine) -> list[Field]:
    """Drawn as a table by its page."""
    return [
        field
        for row in range(1, SPLIT_ROWS + 1)
        for field in (
            Field(f"for-{row}", _("Invoice, customer or ledger account"), required=False, longest=80),
            Field(f"amount-{row}", _("Amount"), "amount", required=False, longest=20),
        )
    ]


FIELDS = {"payment": _payment, "item": _item, "suspense": _suspense, "split": _split}


def split_rows(form: Form) -> list[tuple[int, Field, Field]]:
    pairs = zip(form.fields[0::2], form.fields[1::2], strict=False)
    return [(n, what, amount) for n, (what, amount) in enumerate(pairs, start=1) if what.name.startswith("for-")]


def payer_of(request: ConsoleRequest, key: str) -> Customer | None:
    """One query. None for what is no customer of the organization."""
    if not key.isascii() or not key.isdigit() or len(key) > 18:
        return None
    return Customer.objects.filter(organization=request.organization, pk=int(key)).first()


def invoice_rows(
    line: StatementLine, customer: Customer, typed: Mapping[str, Any], form: Form
) -> list[tuple[Invoice, str, str]]:
    """What the customer owes, with what was typed for it and what was wrong with that. One query."""
    return [
        (row, str(typed.get(f"{INVOICE}{row.pk}", "")), form.placed.get(f"{INVOICE}{row.pk}", ""))
        for row in open_invoices(line, customer.pk)
    ]
