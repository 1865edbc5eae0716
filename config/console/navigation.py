"""The side bar: what the role may do, in the order of a day's work."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from billing.admin.base import modes_of
from billing.admin.columns import screen_url
from billing.errors import Sentence
from billing.office import clock
from billing.office.models import ApprovalRequest
from billing.office.models.approval import ApprovalState
from billing.office.models.user import Mode, Role
from config.console.people import is_platform_admin

Modes = dict[str, frozenset[str]]


@dataclass(frozen=True)
class Item:
    """A line of the side bar. It is there if its screen is and the user may do one of `actions` (mode: that one)."""

    title: Sentence
    icon: str
    screen: str
    actions: tuple[str, ...] = ()
    mode: str = ""
    badge: Callable[[HttpRequest], int] | None = None
    role: str = ""


def approvals_waiting(request: HttpRequest) -> int:
    """Requests that this user may decide: of actions they check, and not their own. One query a request."""
    if not hasattr(request, "_approvals_waiting"):
        request._approvals_waiting = waiting_for(request).count()  # type: ignore[attr-defined]
    return int(request._approvals_waiting)  # type: ignore[attr-defined]


def waiting_for(request: HttpRequest) -> Any:
    checks = [action for action, modes in modes_of(request).items() if Mode.CHECK in modes]
    return ApprovalRequest.objects.filter(
        organization=request.organization,  # type: ignore[attr-defined]
        state=ApprovalState.REQUESTED,
        action__in=checks,
        expires_at__gt=clock.now(),
    ).exclude(requested_by=request.user.pk)


GROUPS: tuple[tuple[Sentence, tuple[Item, ...]], ...] = (
    (
        "",
        (
            Item(_("Today"), "today", "index"),
            Item(_("Receive payment"), "point_of_sale", "receive", ("enter_payment",), Mode.DO),
            Item(_("Approvals"), "order_approve", "approvals", badge=approvals_waiting),
        ),
    ),
    (
        _("Receivables"),
        (
            Item(_("Customers"), "group", "billing_customer_changelist", ("see_receivables",)),
            Item(_("Invite families"), "mail", "customers_invite", ("manage_agreements",), Mode.DO),
            Item(_("Households"), "family_restroom", "billing_household_changelist", ("see_receivables",)),
            Item(_("Invoices"), "request_quote", "billing_invoice_changelist", ("see_receivables",)),
            Item(_("Credit memos"), "assignment_return", "billing_creditmemo_changelist", ("see_receivables",)),
            Item(_("Credit on hand"), "savings", "billing_credititem_changelist", ("see_receivables",)),
            Item(_("Statements"), "summarize", "paper_runs", ("see_receivables",)),
            Item(_("Aging"), "hourglass_bottom", "aging", ("see_reports",)),
        ),
    ),
    (
        _("Agreements"),
        (
            Item(_("Agreements"), "contract", "billing_agreement_changelist", ("manage_agreements",)),
            Item(_("Enrol"), "person_add", "enrol", ("manage_agreements",), Mode.DO),
            Item(_("Students"), "school", "billing_student_changelist", ("manage_agreements",)),
            Item(_("Lessons"), "event_note", "lessons", ("record_attendance", "manage_agreements")),
            Item(_("Lesson credits"), "redeem", "billing_lessoncredit_changelist", ("manage_agreements",)),
            Item(_("Billing runs"), "autorenew", "billing_runs", ("billing_run", "manage_agreements")),
            Item(_("Forecast"), "trending_up", "forecast", ("see_reports",)),
        ),
    ),
    (
        _("Overdue"),
        (
            Item(_("Overdue timelines"), "timeline", "timelines", ("see_receivables",)),
            Item(_("Failed charges"), "credit_card_off", "failed_charges", ("see_receivables",)),
            Item(_("Collections"), "support_agent", "collections", ("manage_collections",)),
            Item(_("Debt plans"), "calendar_add_on", "billing_debtplan_changelist", ("manage_collections",)),
            Item(_("Plans asked for"), "contact_support", "plan_requests", ("manage_collections",)),
        ),
    ),
    (
        _("Teachers and agents"),
        (
            Item(_("Providers"), "co_present", "billing_provider_changelist", ("see_compensation",)),
            Item(_("Earnings"), "savings", "billing_earning_changelist", ("see_compensation",)),
            Item(_("Payouts"), "outbound", "payouts", ("pay_providers",)),
        ),
    ),
    (
        _("Money in"),
        (
            Item(_("Payments"), "payments", "payments_payment_changelist", ("see_receivables",)),
            Item(_("Receipts"), "receipt_long", "receipts_receipt_changelist", ("see_receivables",)),
            Item(_("Papers"), "description", "receipts_issuedpaper_changelist", ("see_receivables",)),
            Item(_("Allocations"), "account_tree", "billing_allocation_changelist", ("see_receivables",)),
        ),
    ),
    (
        _("Cheques and cash"),
        (
            Item(_("Cheque vault"), "encrypted", "vault", ("see_receivables",)),
            Item(_("Cheques"), "fact_check", "payments_cheque_changelist", ("see_receivables",)),
            Item(_("Deposits"), "account_balance_wallet", "payments_deposit_changelist", ("see_receivables",)),
            Item(_("Drawers"), "point_of_sale", "drawers", ("see_receivables",)),
            Item(_("Safe"), "lock", "safe", ("see_receivables",)),
        ),
    ),
    (
        _("Money back"),
        (
            Item(_("Refunds"), "undo", "refunds", ("see_receivables",)),
            Item(_("Cancelled class"), "event_busy", "refund_class", ("ask_refund",), Mode.MAKE),
            Item(_("Disputes"), "gavel", "disputes", ("see_receivables",)),
        ),
    ),
    (
        _("Online payments"),
        (
            Item(_("Attempts"), "credit_card", "payments_paymentattempt_changelist", ("see_receivables",)),
            Item(_("Being confirmed"), "pending", "confirming", ("see_receivables",)),
            Item(_("Gateways"), "hub", "gateways", ("see_reports",)),
            Item(_("Performance"), "speed", "gateway_performance", ("see_reports",)),
            Item(_("Gateway errors"), "report", "payments_gatewayerror_changelist", ("see_receivables",)),
            Item(_("Settlements"), "receipt_long", "settlements", ("see_receivables",)),
            Item(_("Webhooks"), "webhook", "webhooks", ("tend_webhooks",)),
        ),
    ),
    (
        _("Reconciliation"),
        (
            Item(_("Bank lines"), "join_inner", "workbench", ("match_bank_lines",)),
            Item(_("Unidentified money"), "help_center", "bank_lines_unidentified", ("match_bank_lines",)),
            Item(_("Matching rules"), "rule", "matching_rules", ("match_bank_lines",)),
            Item(_("Bank files"), "upload_file", "bank_files", ("import_bank_file",)),
            Item(_("Processor proof"), "balance", "processor_proofs", ("see_receivables",)),
            Item(_("Zoho comparison"), "compare_arrows", "zoho_comparison", ("see_receivables",)),
            Item(_("Bank reconciliation"), "account_balance", "reconciliations", ("see_journal",)),
            Item(_("Differences at banks"), "difference", "variances", ("see_journal",)),
        ),
    ),
    (
        _("Ledger"),
        (
            Item(_("General ledger"), "library_books", "gl", ("see_journal",)),
            Item(_("Journal"), "menu_book", "ledger_journalentry_changelist", ("see_journal",)),
            Item(_("Trial balance"), "balance", "trial_balance", ("see_journal",)),
            Item(_("Adjustments"), "edit_note", "adjustments", ("adjust_ledger", "see_journal")),
            Item(_("GL exports"), "file_export", "gl_exports", ("export_accounting",)),
            Item(_("Chart of accounts"), "format_list_numbered", "ledger_ledgeraccount_changelist", ("see_journal",)),
            Item(_("Periods"), "calendar_month", "periods", ("see_journal",)),
            Item(_("Day ends"), "event_available", "day_ends", ("see_journal",)),
            Item(_("Month closes"), "lock_clock", "month_closes", ("see_journal",)),
            Item(_("Proofs of the books"), "verified", "books_proofs", ("see_journal",)),
        ),
    ),
    (
        _("Settings"),
        (
            Item(_("Organization"), "domain", "organization_details", ("see_reports", "set_prices")),
            Item(_("Plans and prices"), "sell", "plans", ("manage_agreements", "set_prices")),
            Item(_("Discounts"), "percent", "billing_discountrule_changelist", ("manage_agreements", "set_prices")),
            Item(_("Taxes"), "account_balance_wallet", "taxes", ("see_reports", "set_prices")),
            Item(_("Retention"), "auto_delete", "retention", ("see_audit",)),
            Item(_("Wordings"), "edit_note", "wordings", ("edit_wordings",)),
            Item(_("Policies"), "tune", "policies", ("see_reports", "set_limits", "set_prices")),
            Item(_("Bank accounts"), "account_balance", "payments_bankaccount_changelist", ("see_receivables",)),
            Item(_("Users and roles"), "badge", "people", ("manage_users",)),
            Item(_("API clients"), "api", "office_apiclient_changelist", ("manage_users",)),
        ),
    ),
    (
        _("Records"),
        (
            Item(_("Messages sent"), "outgoing_mail", "office_notice_changelist", ("see_receivables",)),
            Item(_("Not delivered"), "unsubscribe", "undelivered", ("see_receivables",)),
            Item(_("Approvals given"), "approval", "office_approvalrequest_changelist", ("see_reports", "see_audit")),
            Item(_("Audit trail"), "history", "office_auditentry_changelist", ("see_audit",)),
        ),
    ),
    (
        _("Platform"),
        (
            Item(_("Jobs"), "schedule", "django_q_schedule_changelist", role=Role.PLATFORM_ADMIN),
            Item(_("Jobs done"), "task_alt", "django_q_success_changelist", role=Role.PLATFORM_ADMIN),
            Item(_("Jobs failed"), "error", "django_q_failure_changelist", role=Role.PLATFORM_ADMIN),
            Item(_("Sign-in failures"), "lock", "axes_accessattempt_changelist", role=Role.PLATFORM_ADMIN),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """What the theme draws. One query for the badge, none for rights already asked for in this request."""
    found = []
    for title, items in GROUPS:
        shown = [_drawn(item, request) for item in items if _allowed(item, request) and screen_url(item.screen)]
        found.append({"title": title, "separator": bool(title), "items": shown})
    return [group for group in found if group["items"]]


def _allowed(item: Item, request: HttpRequest) -> bool:
    if item.role:
        return is_platform_admin(request)
    modes = modes_of(request)
    held = [modes.get(action, frozenset()) for action in item.actions]
    if item.mode:
        return any(item.mode in some for some in held)
    return not item.actions or any(held)


def _drawn(item: Item, request: HttpRequest) -> dict[str, Any]:
    link = reverse(f"admin:{item.screen}")
    here = request.path == link or (item.screen != "index" and request.path.startswith(link))
    drawn: dict[str, Any] = {"title": item.title, "icon": item.icon, "link": link, "active": here}
    if item.badge is not None and (number := item.badge(request)):
        drawn |= {"badge": str(number), "badge_variant": "warning"}
    return drawn
