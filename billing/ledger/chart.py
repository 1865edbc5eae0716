"""The chart of accounts an organization starts with, and finding its accounts by role."""

from django.db import connection
from django.utils.translation import gettext, override
from django.utils.translation import gettext_noop as _

from billing.ledger.models import Kind, LedgerAccount, Role
from billing.transactions import transaction_required

STANDARD = (
    ("1000", _("Cash on hand"), Kind.ASSET, Role.CASH),
    ("1010", _("Bank"), Kind.ASSET, Role.BANK),
    ("1030", _("Cheques in hand"), Kind.ASSET, Role.CHEQUES_IN_HAND),
    ("1040", _("Card and processor clearing"), Kind.ASSET, Role.CARD_CLEARING),
    ("1050", _("Disputed funds"), Kind.ASSET, Role.DISPUTED_FUNDS),
    ("1200", _("Accounts receivable"), Kind.ASSET, Role.ACCOUNTS_RECEIVABLE),
    ("1300", _("Policy loans"), Kind.ASSET, Role.POLICY_LOANS),
    ("2100", _("Unapplied cash"), Kind.LIABILITY, Role.UNAPPLIED_CASH),
    ("2110", _("Customer credits"), Kind.LIABILITY, Role.CUSTOMER_CREDITS),
    ("2150", _("Refunds payable"), Kind.LIABILITY, Role.REFUNDS_PAYABLE),
    ("2160", _("Owed to teachers and agents"), Kind.LIABILITY, Role.PROVIDERS_PAYABLE),
    ("2190", _("Suspense"), Kind.LIABILITY, Role.SUSPENSE),
    ("2300", _("Tax payable"), Kind.LIABILITY, Role.TAX_PAYABLE),
    ("3900", _("Opening balances"), Kind.LIABILITY, Role.OPENING_BALANCE),
    ("4000", _("Revenue"), Kind.INCOME, Role.REVENUE),
    ("4100", _("Late fees"), Kind.INCOME, Role.LATE_FEES),
    ("4200", _("Return and processing fees"), Kind.INCOME, Role.SERVICE_FEES),
    ("4300", _("Interest on policy loans"), Kind.INCOME, Role.LOAN_INTEREST),
    ("4400", _("Expired credits"), Kind.INCOME, Role.EXPIRED_CREDITS),
    ("4500", _("Bank interest"), Kind.INCOME, Role.INTEREST_INCOME),
    ("4800", _("Sales returns and allowances"), Kind.CONTRA_INCOME, Role.SALES_RETURNS),
    ("4900", _("Sales discount"), Kind.CONTRA_INCOME, Role.SALES_DISCOUNT),
    ("6100", _("Teacher pay"), Kind.EXPENSE, Role.TEACHER_PAY),
    ("6200", _("Commissions"), Kind.EXPENSE, Role.COMMISSIONS),
    ("6300", _("Fees of processors"), Kind.EXPENSE, Role.PROCESSOR_FEES),
    ("6310", _("Bank charges"), Kind.EXPENSE, Role.BANK_CHARGES),
    ("6900", _("Small differences written off"), Kind.EXPENSE, Role.SMALL_DIFFERENCES),
    ("6950", _("Cash over and short"), Kind.EXPENSE, Role.CASH_OVER_SHORT),
)


@transaction_required
def open_chart(organization_id: int, language: str = "en") -> None:
    """Give an organization the standard chart, named in the language of its books; accounts it already has stay."""
    with override(language):
        rows = [
            LedgerAccount(organization_id=organization_id, code=code, name=gettext(name), kind=kind, role=role)
            for code, name, kind, role in STANDARD
        ]
    LedgerAccount.objects.bulk_create(rows, ignore_conflicts=True)


@transaction_required
def open_bank_ledger_account(organization_id: int, name: str) -> LedgerAccount:
    """A ledger account of its own for one of our bank accounts."""
    return _open_own(organization_id, Role.BANK, "1010", name)


@transaction_required
def open_clearing_ledger_account(organization_id: int, name: str) -> LedgerAccount:
    """A ledger account of its own for what lies with a processor until it is settled (invariant 10)."""
    return _open_own(organization_id, Role.CARD_CLEARING, "1040", name)


def _open_own(organization_id: int, role: Role, code: str, name: str) -> LedgerAccount:
    """Coded after the last one of its role."""
    taken = LedgerAccount.objects.filter(organization_id=organization_id, role=role).count()
    return LedgerAccount.objects.create(
        organization_id=organization_id, code=f"{code}.{taken:02d}", name=name[:120], kind=Kind.ASSET, role=role,
        is_default=False,
    )  # fmt: skip


def accounts_by_role(organization_id: int) -> dict[str, int]:
    """Default ledger account of each role. One query, in SQL: every entry asks it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT role, id FROM ledger_ledgeraccount WHERE organization_id = %s AND is_default", [organization_id]
        )
        return dict(cursor.fetchall())
