"""The dispatcher: rung once a minute, it offers every job the time."""

from collections.abc import Callable
from datetime import datetime

import structlog
from django.db import close_old_connections
from django.utils import timezone

from billing.office.notices import send_due_notices
from billing.tasks import (
    accrue_earnings,
    bill_due,
    chase_overdue,
    expire_lesson_credits,
    post_gl,
    tend_agreements,
)
from payments.tasks import (
    alarm_refunds,
    ask_unknown,
    charge_due,
    fetch_settlements,
    forget_webhooks,
    hear_webhooks,
    retry_due,
    tend_methods,
    tend_zoho,
)
from receipts.tasks import (
    issue_refund_papers,
    make_data_copies,
    make_papers,
    mature_due_cheques,
    purge_old,
    start_monthly_statements,
)
from reconciliation.tasks import (
    compare_zoho,
    lapse_payer_questions,
    match_waiting,
    pack_months,
    prove_books,
    prove_processors,
    read_bank_files,
    tend_matched,
)

log = structlog.get_logger(__name__)

# (name, job). A job is called as job(now): it finds its own due work, claims it with SKIP LOCKED, and does
# nothing when there is none. It may be called twice for one minute, late, or on two machines at once.
JOBS: list[tuple[str, Callable[[datetime], object]]] = [
    ("mature_cheques", mature_due_cheques),
    ("read_bank_files", read_bank_files),
    ("match_waiting", match_waiting),
    ("tend_matched", tend_matched),
    ("lapse_payer_questions", lapse_payer_questions),
    ("issue_refund_papers", issue_refund_papers),
    ("start_monthly_statements", start_monthly_statements),
    ("make_papers", make_papers),
    ("alarm_refunds", alarm_refunds),
    ("hear_webhooks", hear_webhooks),
    ("ask_unknown", ask_unknown),
    ("fetch_settlements", fetch_settlements),
    ("forget_webhooks", forget_webhooks),
    ("tend_methods", tend_methods),
    ("tend_zoho", tend_zoho),
    ("tend_agreements", tend_agreements),
    ("bill_due", bill_due),
    ("charge_due", charge_due),
    ("retry_due", retry_due),
    ("chase_overdue", chase_overdue),
    ("accrue_earnings", accrue_earnings),
    ("expire_lesson_credits", expire_lesson_credits),
    ("post_gl", post_gl),
    ("make_data_copies", make_data_copies),
    ("send_due_notices", send_due_notices),
    ("purge_old", purge_old),
    ("pack_months", pack_months),
    ("prove_processors", prove_processors),
    ("compare_zoho", compare_zoho),
    ("prove_books", prove_books),  # the longest, so that nothing waits for it
]


def tick() -> dict[str, str]:
    """Call every job; one that fails is logged and does not keep the others from running.

    Returns what became of each, which the queue keeps; the row's time is the heartbeat that /readyz looks at.
    """
    now = timezone.now()
    return {name: _call(name, job, now) for name, job in JOBS}


def _call(name: str, job: Callable[[datetime], object], now: datetime) -> str:
    try:
        job(now)
    except Exception as error:  # the border between jobs: whatever one does, the next must run
        log.exception("job_failed", job=name)
        close_old_connections()
        return f"failed: {type(error).__name__}"
    return "done"
