"""Stored facts as people read them: every key a label, amounts with their currency, lists as tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from billing.ledger.models import Role
from billing.models import AgreementKind, AllocationKind, Basis, Frequency
from billing.models.billing_run import RunKind
from billing.money import EXPONENTS, format_money
from billing.office.policies import METHOD_WORDS
from billing.rules.gl_groups import GROUP_WORDS

# In the order in which a checker reads them; the database keeps facts in an order of its own. Apps add theirs.
LABELS: dict[str, Sentence] = {
    "deed": _("What is asked"), "refund": _("Refund"), "payment": _("Payment"),
    "credit": _("Payment or credit"), "invoice": _("Invoice"), "fee_invoice": _("Late fee"),
    "customer": _("Customer"), "kind": _("What"), "net": _("Net"), "tax": _("Tax"), "amount": _("Amount"),
    "currency": _("Currency"), "method": _("Method"), "received_on": _("Received on"), "payer": _("Payer"),
    "reference": _("Reference"), "recorded_by": _("Recorded by"), "state": _("State now"),
    "on_hold_now": _("On hold now"), "hold_until_now": _("On hold until, now"), "hold_until": _("Last day of the hold"),
    "disputed_now": _("Disputed now"), "invoice_open": _("Open on the invoice now"), "stands_now": _("Applied now"),
    "shall_stand": _("To be applied instead"), "reopens": _("Invoices that reopen"),
    "entries_reversed": _("Journal entries mirrored"),
    "plan": _("Plan"), "plan_kind": _("Kind"), "basis": _("Billed"), "frequency": _("Frequency"),
    "price_now": _("Price now"), "prices": _("Prices"), "items": _("Further lines"), "line": _("Line"),
    "effective_on": _("From"), "agreements": _("Running agreements"),
    "run": _("Billing run"), "run_kind": _("Kind of run"), "bill_until": _("Up to"), "issue_on": _("Issued on"),
    "totals": _("Totals"), "currency_code": _("Currency"), "invoices": _("Invoices"), "invoiced": _("Invoiced"),
    "memos": _("Credit memos"), "given_back": _("Given back"), "left_out": _("Left out"), "odd": _("Unusual"),
    "payout_batch": _("Payout"), "earned_until": _("Earned up to"), "payouts": _("Paid to"),
    "provider": _("Provider"), "earnings": _("Earnings"),
    "adjustment": _("Adjustment"), "entry_date": _("Date in the books"), "memo": _("Memo"),
    "reverses": _("Takes back"), "made_by": _("Made by"), "lines": _("Lines"),
    "ledger_account": _("Ledger account"), "department": _("Department"), "project": _("Project"),
    "debit": _("Debit"), "credit_side": _("Credit"),
}  # fmt: skip
DEEDS: dict[str, Sentence] = {
    "set_hold": _("set a credit hold"), "release_hold": _("release the credit hold"),
    "credit_memo": _("issue a credit memo"), "unallocate": _("take an allocation back"),
    "reallocate": _("redistribute a payment or credit"), "dispute": _("mark the invoice disputed"),
    "undispute": _("clear the dispute"), "void_invoice": _("void the invoice"),
    "billing_run": _("let a billing run go out"),
    "waive_late_fee": _("waive a late fee"),
    "refund": _("give money back"), "class_refund": _("refund a cancelled class"),
    "pay_out": _("pay teachers and agents"),
    "offer_plan": _("offer the plan"), "retire_plan": _("no longer offer the plan"),
    "plan_price": _("change the price of a plan"),
    "adjustment": _("adjust the books"),
}  # fmt: skip
ACTIONS: dict[str, Sentence] = {
    "verify_large_payment": _("verify a large payment"), "accept_unusual_method": _("accept an unusual method"),
    "void_payment": _("void a payment"), "credit_hold": _("credit hold"),
    "override_allocation": _("change an allocation"), "reallocate_to_other": _("redistribute to another"),
    "write_off_large": _("write off or credit"), "close_period": _("close a month"),
    "reopen_period": _("reopen a month"), "set_limits": _("change a limit"), "set_prices": _("change a policy"),
    "manage_users": _("give a role"), "refund_small": _("refund up to the limit"),
    "billing_run": _("billing run"),
    "refund_large": _("refund above the limit"), "refund_elsewhere": _("refund by another way"),
    "waive_late_fee": _("waive a late fee"),
    "pay_providers": _("pay teachers and agents"),
    "adjust_ledger": _("adjust the books"),
}  # fmt: skip
EVENTS: dict[str, Sentence] = {
    "invoice_issued": _("invoice issued"), "credit_memo_issued": _("credit memo issued"),
    "credit_allocated": _("credit set against invoices"), "payment_received": _("payment received"),
    "earned": _("earned by a teacher or agent"), "paid_out": _("paid out to a teacher or agent"),
    "adjusted": _("adjusted"), "adjusted_reversed": _("adjustment taken back"),
}  # fmt: skip
NOTICE_KINDS: dict[str, Sentence] = {
    "receipt": _("receipt"), "receipt_void": _("receipt void"), "hold_released": _("credit hold released"),
    "refund_receipt": _("refund receipt"), "cheque_returned": _("cheque returned"),
    "dispute_escalated": _("dispute escalated"), "dispute_settled": _("dispute settled"),
    "refund_requested": _("refund asked for"), "refund_approved": _("refund approved"),
    "refund_rejected": _("refund not approved"), "refund_withdrawn": _("refund withdrawn"),
    "refund_paid": _("refund paid"), "refund_kept": _("refund kept as credit"),
    "refund_failed": _("refund failed"), "class_refund_left_out": _("left out of a class refund"),
    **{f"reminder_{level}": _("reminder") for level in range(1, 11)},
    "reminder_before": _("reminder before the due day"), "reminder_final": _("final notice"),
    "agreement_suspend": _("service suspended"),
    "agreement_reactivate": _("service resumed"), "agreement_lapse": _("policy lapsed"),
    "agreement_revive": _("policy revived"), "credit_waits": _("credit to apply"),
    "debt_plan_broken": _("debt plan broken"), "collection_opened": _("collection case opened"),
    "collection_paid": _("payment in collections"),
    "refund_late": _("refund late"), "refund_breach": _("refund far too late"),
    "refund_overdue": _("refund past its last day"),
    "paper": _("statement or other paper"),
    "gl_suspended": _("GL batch suspended"), "gl_posted": _("posted to the general ledger"),
}  # fmt: skip
DOCUMENT_KINDS: dict[str, Sentence] = {
    "front": _("front"), "back": _("back"), "evidence": _("evidence"), "consent": _("consent"),
}  # fmt: skip
# How stored words are said, by key. Apps add theirs.
WORDS: dict[str, Mapping[str, Sentence]] = {
    "kind": dict(AllocationKind.choices), "deed": DEEDS, "action": ACTIONS, "event": EVENTS,
    "notice_kind": NOTICE_KINDS, "account_role": dict(Role.choices),
    "document_kind": DOCUMENT_KINDS, "frequency": dict(Frequency.choices),
    "payment_type": {**METHOD_WORDS, **GROUP_WORDS},
    "run_kind": dict(RunKind.choices), "plan_kind": dict(AgreementKind.choices), "basis": dict(Basis.choices),
}  # fmt: skip
AMOUNTS = {"amount", "net", "tax", "invoice_open", "limit", "price_now", "debit", "credit_side"}
HIDDEN = {"currency", "invoice_key", "line_key", "to_customer_key", "letter_key", "content_hash"}


@dataclass(frozen=True)
class Row:
    """One fact. Where it is a list: headings, and rows of cells, each with whether it is an amount."""

    key: str
    label: Sentence
    value: str = ""
    head: tuple[tuple[Sentence, bool], ...] = ()
    cells: list[list[tuple[str, bool]]] = field(default_factory=list)
    is_table: bool = False


def readable(shown: Mapping[str, Any], hide: frozenset[str] = frozenset()) -> list[Row]:
    """All facts; keys in `hide` say that they are hidden."""
    currency = str(shown.get("currency", ""))
    rows = []
    for key, value in in_order(shown):
        if key in HIDDEN:
            continue
        if key in hide:
            rows.append(Row(key, label_of(key), str(_("hidden: type it below from the paper"))))
        elif isinstance(value, list) and all(isinstance(item, dict) for item in value):
            rows.append(_table(key, value, currency))
        else:
            rows.append(Row(key, label_of(key), said(key, value, currency)))
    return rows


def in_order(facts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    order = {key: place for place, key in enumerate(LABELS)}
    return sorted(facts.items(), key=lambda fact: (order.get(fact[0], len(order)), fact[0]))


def label_of(key: str) -> Sentence:
    return LABELS.get(key) or key.replace("_", " ").capitalize()


def said(key: str, value: Any, currency: str) -> str:
    if value in ("", None, []):
        return "–"
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if key in AMOUNTS and currency in EXPONENTS:
        return format_money(Decimal(str(value)), currency)
    if str(value) in words_of(key):
        return str(words_of(key)[str(value)])
    if isinstance(value, str) and len(value) == 10 and value[4:5] == "-":
        try:
            return date_format(date.fromisoformat(value))
        except ValueError:
            return value
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def words_of(key: str) -> Mapping[str, Sentence]:
    """The words of a key. Apps add to these four, or put a longer table in their place; both count."""
    added = {"deed": DEEDS, "action": ACTIONS, "event": EVENTS, "notice_kind": NOTICE_KINDS}
    return {**added.get(key, {}), **WORDS.get(key, {})}


def said_code(key: str, code: str) -> str:
    """A stored code in the reader's language; one that nobody named is read out. "x_reversed" is x, taken back."""
    words = words_of(key)
    of, reversed_, _rest = code.partition("_reversed")
    if code not in words and reversed_ and of in words:
        return str(_("{event}, reversed")).format(event=words[of])
    return str(words.get(code) or code.replace("_", " "))


def _table(key: str, items: list[dict[str, Any]], currency: str) -> Row:
    keys = [name for name, _value in in_order(items[0] if items else {}) if name not in HIDDEN]
    cells = [[(said(name, item.get(name), currency), name in AMOUNTS) for name in keys] for item in items]
    head = tuple((label_of(name), name in AMOUNTS) for name in keys)
    return Row(key, label_of(key), "" if items else str(_("none")), head, cells, bool(items))


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[Sentence, str, str]]:
    """Label, as shown, as it is now: for every fact that differs."""
    currency = str(after.get("currency", ""))
    return [
        (label_of(key), _flat(key, before.get(key), currency), _flat(key, after.get(key), currency))
        for key, _value in in_order({**before, **after})
        if before.get(key) != after.get(key)
    ]


def _flat(key: str, value: Any, currency: str) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "; ".join(
            " ".join(said(name, part, currency) for name, part in in_order(item) if name not in HIDDEN)
            for item in value
        )
    return said(key, value, currency)
