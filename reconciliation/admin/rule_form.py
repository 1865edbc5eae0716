"""The form of a matching rule: what was typed, as a wish; a rule or a bank line, as what the form shows."""

from collections.abc import Iterable
from decimal import Decimal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.admin.working import Field, Form
from billing.errors import BadInput, Sentence
from billing.ledger.models import LedgerAccount
from billing.models import Customer
from billing.money import parse_amount
from billing.office.models import Organization
from payments.models import BankAccount
from reconciliation.models import Deed, Direction, MatchingRule, StatementLine
from reconciliation.selectors.matching_rules import bookable_accounts
from reconciliation.selectors.workbench import accounts_of
from reconciliation.services.matching_rules import RuleWish
from reconciliation.services.workbench_verbs import REASONS

Choices = Iterable[tuple[str, Sentence]]
CHOOSE = ("", _("choose…"))
DIRECTIONS: Choices = (
    ("", _("in and out")), (Direction.IN, pgettext_lazy("money", "in")), (Direction.OUT, pgettext_lazy("money", "out")),
)  # fmt: skip


def rule_form(organization: Organization) -> Form:
    """Two queries: the accounts that can be chosen."""
    accounts = [(one.code, f"{one.code} {one.name}".strip()) for one in accounts_of(organization)]
    ledger = [(one.code, f"{one.code} {one.name}") for one in bookable_accounts(organization.pk)]
    whole_words = _("One phrase a line, as whole words; capitals, accents and full width make no difference.")
    return Form([
        Field("name", _("Name of the rule"), longest=80),
        Field("bank_account", _("Bank account"), "select", required=False, choices=[("", _("all")), *accounts]),
        Field("direction", _("Money"), "select", required=False, choices=DIRECTIONS),
        Field("text_has", _("The bank's text has all of"), "area", required=False, longest=900, help=whole_words),
        Field("text_lacks", _("and none of"), "area", required=False, longest=900),
        Field("payer_has", _("The name of the payer or payee has"), required=False, longest=120),
        Field("bank_code", _("The bank's code has"), required=False, longest=40),
        Field("amount_from", _("Amount from"), "amount", required=False, longest=20),
        Field("amount_to", _("Amount to"), "amount", required=False, longest=20,
              help=_("In the currency of the bank account chosen above.")),
        Field("deed", pgettext_lazy("rule", "Then"), "select", choices=[CHOOSE, *Deed.choices]),
        Field("ledger_account", _("Ledger account, of a bank item"), "select", required=False,
              choices=[CHOOSE, *ledger]),
        Field("reason_code", _("What it is, of a bank item"), "select", required=False,
              choices=[CHOOSE, *REASONS.items()]),
        Field("department", _("Department"), required=False, longest=40),
        Field("project", _("Project"), required=False, longest=40),
        Field("customer", _("Customer's code, of a payment"), required=False, longest=40,
              help=_("Which invoices are paid is worked out for each line, as for every payment.")),
    ])  # fmt: skip


def fill_from_rule(form: Form, rule: MatchingRule) -> None:
    for field in form.fields:
        value = getattr(rule, field.name)
        if isinstance(value, BankAccount | LedgerAccount | Customer):
            value = value.code
        field.value = f"{value:f}" if isinstance(value, Decimal) else str(value or "")


def fill_from_line(form: Form, line: StatementLine) -> None:
    """What lines like this one have in common, as far as one line can tell: the text, else who paid."""
    text = line.text.strip()[:80]
    known = {
        "name": (text or line.party_name)[:60], "bank_account": line.bank_account.code, "direction": line.direction,
        "text_has": text, "payer_has": "" if text else line.party_name[:80], "bank_code": line.code[:40],
    }  # fmt: skip
    for field in form.fields:
        field.value = known.get(field.name, "")


def read_wish(form: Form, organization: Organization) -> RuleWish:
    """What was typed. Four queries at most. Raises BadInput at the field; another organization's record is none."""
    account = _find(BankAccount, form, "bank_account", organization)
    assert account is None or isinstance(account, BankAccount)
    ledger_account = _find(LedgerAccount, form, "ledger_account", organization)
    customer = _find(Customer, form, "customer", organization)
    assert ledger_account is None or isinstance(ledger_account, LedgerAccount)
    assert customer is None or isinstance(customer, Customer)
    reason = form.typed("reason_code")
    if reason and reason not in REASONS:
        raise BadInput(_("Choose one of the list."), field="reason_code", code="unknown_choice")
    currency = account.currency if account else organization.currency
    return RuleWish(
        name=form.typed("name"), deed=form.typed("deed"), bank_account=account, direction=form.typed("direction"),
        text_has=form.typed("text_has"), text_lacks=form.typed("text_lacks"), payer_has=form.typed("payer_has"),
        bank_code=form.typed("bank_code"), amount_from=_amount(form, "amount_from", currency),
        amount_to=_amount(form, "amount_to", currency), ledger_account=ledger_account, reason_code=reason,
        department=form.typed("department"), project=form.typed("project"), customer=customer,
    )  # fmt: skip


def _amount(form: Form, name: str, currency: str) -> Decimal | None:
    return parse_amount(form.typed(name), currency, field=name) if form.typed(name).strip() else None


def _find(
    model: type[BankAccount] | type[LedgerAccount] | type[Customer], form: Form, name: str, organization: Organization
) -> BankAccount | LedgerAccount | Customer | None:
    """A record by its code. Raises BadInput."""
    code = form.typed(name).strip().replace("\x00", "")
    if not code:
        return None
    found = model._default_manager.filter(organization=organization, code__iexact=code).first()
    if found is None:
        raise BadInput(_("There is none of the code {text}."), field=name, code="not_found", text=code[:40])
    return found
