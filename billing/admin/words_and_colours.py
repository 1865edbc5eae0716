"""The one list of words, shapes and colours of the console: a state is never told by colour alone."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from billing.errors import Sentence
from billing.models import Invoice


@dataclass(frozen=True)
class Look:
    """word: what a person reads. shape: one character beside it. tone: good, info, wait, warn, bad or quiet."""

    word: Sentence
    shape: str
    tone: str


LOOKS: dict[str, Look] = {
    "invoice.open": Look(_("open"), "○", "info"),
    "invoice.part_paid": Look(_("part-paid"), "◐", "info"),
    "invoice.paid": Look(_("paid"), "●", "good"),
    "invoice.overdue": Look(_("overdue"), "▲", "bad"),
    "invoice.disputed": Look(_("disputed"), "◆", "warn"),
    "invoice.void": Look(_("void"), "✕", "quiet"),
    "payment.pending": Look(_("provisional"), "◌", "warn"),
    "payment.confirming": Look(_("being confirmed"), "◔", "wait"),
    "payment.processed": Look(_("processed"), "●", "good"),
    "payment.failed": Look(_("failed"), "✕", "bad"),
    "payment.cancelled": Look(_("cancelled"), "–", "quiet"),
    "payment.refunded": Look(_("refunded"), "↩", "quiet"),
    "payment.voided": Look(_("void"), "✕", "quiet"),
    "payment.returned": Look(_("returned"), "↩", "bad"),
    "receipt.issued": Look(pgettext_lazy("receipt", "issued"), "●", "good"),
    "receipt.provisional": Look(_("provisional"), "◌", "warn"),
    "receipt.void": Look(_("void"), "✕", "quiet"),
    "receipt.returned": Look(_("cheque returned"), "↩", "bad"),
    "cheque.in_vault": Look(_("in the vault"), "▣", "wait"),
    "cheque.due": Look(_("in hand"), "○", "info"),
    "cheque.deposited": Look(_("deposited"), "◔", "wait"),
    "cheque.cleared": Look(_("cleared"), "●", "good"),
    "cheque.returned": Look(_("returned"), "↩", "bad"),
    "cheque.replaced": Look(_("replaced"), "–", "quiet"),
    "cheque.cancelled": Look(_("cancelled"), "–", "quiet"),
    "deposit.prepared": Look(_("prepared"), "○", "info"),
    "deposit.deposited": Look(_("deposited"), "●", "good"),
    "deposit.cancelled": Look(_("cancelled"), "–", "quiet"),
    "drawer.open": Look(pgettext_lazy("drawer", "open"), "○", "info"),
    "drawer.counted": Look(_("difference to accept"), "▲", "warn"),
    "drawer.closed": Look(_("closed"), "■", "good"),
    "refund.requested": Look(_("requested"), "◔", "wait"),
    "refund.approved": Look(_("approved"), "✓", "info"),
    "refund.submitted": Look(_("on its way"), "◔", "wait"),
    "refund.unknown": Look(_("outcome unknown"), "◌", "warn"),
    "refund.processed": Look(_("paid out"), "●", "good"),
    "refund.failed": Look(_("failed"), "✕", "bad"),
    "refund.rejected": Look(_("rejected"), "✕", "quiet"),
    "refund.withdrawn": Look(_("withdrawn"), "–", "quiet"),
    "attempt.sent": Look(_("sent"), "◔", "wait"),
    "attempt.succeeded": Look(_("arrived"), "●", "good"),
    "attempt.declined": Look(_("declined"), "✕", "bad"),
    "attempt.unknown": Look(_("outcome unknown"), "◌", "warn"),
    "attempt.not_sent": Look(_("not sent"), "–", "quiet"),
    "refund.late": Look(_("late"), "▲", "warn"),
    "refund.breach": Look(_("promise broken"), "■", "bad"),
    "refund.hard": Look(_("over the hard limit"), "✕", "bad"),
    "dispute.open": Look(pgettext_lazy("dispute", "open"), "◆", "warn"),
    "dispute.answered": Look(_("evidence sent"), "◔", "wait"),
    "dispute.won": Look(_("won"), "●", "good"),
    "dispute.lost": Look(_("lost"), "✕", "bad"),
    "dispute.withdrawn": Look(_("withdrawn"), "–", "quiet"),
    "credit.unapplied": Look(_("unapplied"), "○", "info"),
    "credit.used": Look(_("used up"), "●", "good"),
    "credit.reversed": Look(_("reversed"), "✕", "quiet"),
    "customer.on_hold": Look(_("on credit hold"), "■", "bad"),
    "customer.active": Look(_("active"), "●", "good"),
    "customer.inactive": Look(_("not active"), "–", "quiet"),
    "period.open": Look(pgettext_lazy("period", "open"), "○", "info"),
    "period.closed": Look(_("closed"), "■", "good"),
    "period.locked": Look(_("locked"), "▣", "quiet"),
    "webhook.received": Look(_("received"), "○", "info"),
    "webhook.processed": Look(_("worked on"), "●", "good"),
    "webhook.parked": Look(_("parked"), "◔", "wait"),
    "webhook.failed": Look(_("failed"), "▲", "warn"),
    "bank_line.open": Look(_("to explain"), "○", "info"),
    "bank_line.done": Look(_("explained"), "●", "good"),
    "bank_line.left": Look(_("left as it is"), "▲", "warn"),
    "bank_line.said_yes": Look(_("the payer said yes"), "✓", "good"),
    "matching_rule.suggests": Look(pgettext_lazy("matching rule", "suggests"), "○", "info"),
    "matching_rule.acts": Look(pgettext_lazy("matching rule", "acts by itself"), "●", "good"),
    "matching_rule.off": Look(pgettext_lazy("matching rule", "off"), "–", "quiet"),
    "match.stands": Look(_("stands"), "●", "good"),
    "match.undone": Look(_("taken off"), "↩", "quiet"),
    "payer_question.waiting": Look(_("waiting"), "◔", "wait"),
    "payer_question.yes": Look(_("yes"), "✓", "good"),
    "payer_question.no": Look(_("no"), "✕", "quiet"),
    "payer_question.lapsed": Look(_("lapsed"), "–", "quiet"),
    "settlement.agrees": Look(_("agrees"), "✓", "good"),
    "settlement.differs": Look(_("differs"), "▲", "warn"),
    "notice.queued": Look(_("waiting"), "◔", "wait"),
    "notice.sent": Look(_("sent"), "●", "good"),
    "notice.unknown": Look(_("outcome unknown"), "◌", "warn"),
    "notice.delivered": Look(_("delivered"), "●", "good"),
    "notice.read": Look(pgettext_lazy("message", "read"), "✓", "good"),
    "notice.bounced": Look(_("came back"), "✕", "bad"),
    "notice.merged": Look(_("told in a digest"), "●", "quiet"),
    "notice.withheld": Look(_("not sent"), "–", "quiet"),
    "notice.failed": Look(_("given up"), "✕", "bad"),
    "approval.requested": Look(_("waiting"), "◔", "wait"),
    "approval.approved": Look(_("approved"), "✓", "good"),
    "approval.rejected": Look(_("rejected"), "✕", "bad"),
    "approval.withdrawn": Look(_("withdrawn"), "–", "quiet"),
    "approval.used": Look(_("carried out"), "●", "good"),
    "approval.expired": Look(_("lapsed"), "–", "quiet"),
    "promise.waiting": Look(_("waiting"), "◔", "wait"),
    "promise.kept": Look(_("kept"), "●", "good"),
    "promise.broken": Look(_("broken"), "▲", "bad"),
    "plan.draft": Look(_("draft"), "◌", "wait"),
    "plan.active": Look(_("offered"), "●", "good"),
    "plan.retired": Look(_("no longer offered"), "–", "quiet"),
    "agreement.active": Look(_("active"), "●", "good"),
    "agreement.paused": Look(_("paused"), "◔", "wait"),
    "agreement.suspended": Look(_("suspended"), "■", "bad"),
    "agreement.lapsed": Look(_("lapsed"), "✕", "bad"),
    "agreement.cancelled": Look(_("cancelled"), "–", "quiet"),
    "agreement.ended": Look(_("ended"), "–", "quiet"),
    "installment.planned": Look(_("upcoming"), "○", "info"),
    "installment.billed": Look(_("billed"), "◐", "info"),
    "installment.paid": Look(_("paid"), "●", "good"),
    "installment.part_paid": Look(_("part-paid"), "◐", "info"),
    "installment.overdue": Look(_("overdue"), "▲", "bad"),
    "installment.in_grace": Look(_("in grace"), "▲", "warn"),
    "installment.skipped": Look(_("not billed"), "–", "quiet"),
    "installment.cancelled": Look(_("cancelled"), "–", "quiet"),
    "charge.unbilled": Look(_("not billed yet"), "○", "info"),
    "charge.billed": Look(_("billed"), "●", "good"),
    "charge.cancelled": Look(_("cancelled"), "–", "quiet"),
    "paper.replaced": Look(_("replaced"), "–", "quiet"),
    "paper_run.running": Look(_("being made"), "◌", "wait"),
    "paper_run.paused": Look(_("paused"), "‖", "warn"),
    "paper_run.cancelled": Look(_("cancelled"), "–", "quiet"),
    "paper_run.done": Look(_("done"), "●", "good"),
    "run.preview": Look(_("preview"), "◌", "wait"),
    "run.approved": Look(_("approved"), "✓", "info"),
    "run.done": Look(_("done"), "●", "good"),
    "run.cancelled": Look(_("cancelled"), "–", "quiet"),
    "bill.planned": Look(_("to bill"), "○", "info"),
    "bill.excluded": Look(_("left out"), "–", "quiet"),
    "bill.billed": Look(_("billed"), "●", "good"),
    "bill.refused": Look(_("could not be billed"), "✕", "bad"),
    "bill.voided": Look(_("void"), "✕", "quiet"),
    "attendance.none": Look(_("not told yet"), "○", "wait"),
    "attendance.attended": Look(_("attended"), "●", "good"),
    "attendance.no_show": Look(_("did not come"), "▲", "warn"),
    "attendance.student_cancelled": Look(_("student cancelled"), "–", "quiet"),
    "attendance.teacher_cancelled": Look(_("teacher cancelled"), "✕", "warn"),
    "lesson_credit.open": Look(_("may be used"), "●", "good"),
    "lesson_credit.used": Look(_("used up"), "–", "quiet"),
    "lesson_credit.expired": Look(_("expired"), "–", "quiet"),
    "lesson_credit.withdrawn": Look(_("withdrawn"), "✕", "quiet"),
    "timeline.upcoming": Look(_("not due yet"), "○", "info"),
    "timeline.chasing": Look(_("being chased"), "▲", "warn"),
    "timeline.collections": Look(_("in collections"), "■", "bad"),
    "timeline.settled": Look(_("settled"), "●", "good"),
    "timeline.held": Look(_("on hold"), "◔", "wait"),
    "step.done": Look(_("done"), "●", "good"),
    "step.skipped": Look(_("skipped"), "–", "quiet"),
    "step.undone": Look(_("undone"), "↩", "quiet"),
    "step.coming": Look(_("to come"), "○", "info"),
    "step.tried": Look(_("charge"), "◆", "warn"),
    "plan_request.requested": Look(_("waits for the office"), "◔", "warn"),
    "plan_request.agreed": Look(_("agreed"), "●", "good"),
    "plan_request.refused": Look(pgettext_lazy("debt plan", "refused"), "✕", "bad"),
    "plan_request.withdrawn": Look(_("withdrawn"), "–", "quiet"),
    "debt_plan.active": Look(_("kept so far"), "◔", "wait"),
    "debt_plan.kept": Look(_("kept"), "●", "good"),
    "debt_plan.broken": Look(_("broken"), "▲", "bad"),
    "debt_plan.cancelled": Look(_("cancelled"), "–", "quiet"),
    "collection.open": Look(pgettext_lazy("collection", "open"), "◆", "warn"),
    "collection.agency": Look(_("with the agency"), "◔", "wait"),
    "collection.closed": Look(_("closed"), "■", "good"),
    "payout.draft": Look(_("draft"), "◌", "wait"),
    "payout.approved": Look(_("approved"), "✓", "info"),
    "payout.paid": Look(_("paid out"), "●", "good"),
    "payout.cancelled": Look(_("cancelled"), "–", "quiet"),
    "gl.waiting": Look(_("not in the general ledger yet"), "◔", "wait"),
    "gl.posted": Look(pgettext_lazy("GL batch", "posted"), "●", "good"),
    "gl.suspended": Look(pgettext_lazy("GL batch", "suspended"), "▲", "bad"),
    "gl.balances": Look(_("debits = credits"), "✓", "good"),
    "gl.differs": Look(_("does not balance"), "▲", "bad"),
    "gl_export.current": Look(_("current"), "●", "good"),
    "gl_export.superseded": Look(_("superseded"), "–", "quiet"),
    "adjustment.waiting": Look(_("waits for approval"), "◔", "wait"),
    "adjustment.posted": Look(pgettext_lazy("adjustment", "posted"), "●", "good"),
    "adjustment.rejected": Look(_("rejected"), "✕", "quiet"),
    "adjustment.withdrawn": Look(_("withdrawn"), "–", "quiet"),
    "tax_rate.holds": Look(_("holds now"), "●", "good"),
    "tax_rate.coming": Look(_("to come"), "○", "info"),
    "tax_rate.replaced": Look(_("replaced"), "–", "quiet"),
    "membership.active": Look(_("works here"), "●", "good"),
    "membership.withdrawn": Look(_("withdrawn"), "–", "quiet"),
    "login.on": Look(_("may sign in"), "●", "good"),
    "login.off": Look(_("switched off"), "–", "quiet"),
    "client.active": Look(_("active"), "●", "good"),
    "client.expired": Look(_("expired"), "–", "quiet"),
    "client.revoked": Look(_("revoked"), "✕", "quiet"),
    "proof.good": Look(_("proved"), "✓", "good"),
    "proof.bad": Look(_("does not agree"), "▲", "bad"),
    "check.ok": Look(_("in order"), "✓", "good"),
    "check.warn": Look(_("to look at"), "▲", "warn"),
    "check.blocker": Look(_("in the way"), "■", "bad"),
    "pack.wanted": Look(_("being made"), "◔", "wait"),
    "pack.given_up": Look(_("given up"), "✕", "bad"),
    "day.open": Look(pgettext_lazy("day", "open"), "○", "info"),
    "day.closed": Look(_("closed"), "■", "good"),
    "day.quiet": Look(_("nothing booked"), "–", "quiet"),
    "books.whole": Look(_("all rules hold"), "✓", "good"),
    "books.broken": Look(_("broken"), "▲", "bad"),
    "jobs.good": Look(_("running"), "●", "good"),
    "bank_file.received": Look(_("waits to be read"), "◔", "wait"),
    "bank_file.reading": Look(_("being read"), "◔", "wait"),
    "bank_file.stored": Look(_("taken in"), "●", "good"),
    "bank_file.flagged": Look(_("taken in, to be looked at"), "▲", "warn"),
    "bank_file.refused": Look(_("refused"), "✕", "bad"),
    "bank_file.undone": Look(_("taken back"), "↩", "quiet"),
    "statement.ties": Look(_("adds up"), "●", "good"),
    "statement.differs": Look(_("does not add up"), "▲", "bad"),
    "reconciliation.prepared": Look(_("waits for its signature"), "◔", "wait"),
    "reconciliation.signed": Look(_("signed"), "●", "good"),
    "reconciliation.opened": Look(_("opened again"), "↩", "warn"),
    "reconciliation.dropped": Look(_("not signed"), "–", "quiet"),
    "reconciliation.due": Look(_("due"), "▲", "warn"),
    "reconciliation.current": Look(_("up to date"), "●", "good"),
    "reconciliation.agrees": Look(_("agrees"), "✓", "good"),
    "reconciliation.differs": Look(_("differs"), "▲", "warn"),
    "variance.unnamed": Look(_("no reason yet"), "▲", "warn"),
    "jobs.bad": Look(_("not running"), "▲", "bad"),
}


def label(key: str, word: Any = "") -> SafeString:
    """A state as it looks everywhere: shape, word, colour. word: replaces the table's, where it carries a number."""
    look = LOOKS.get(key) or Look(key.rpartition(".")[2], "○", "quiet")
    html = '<span class="q-label q-{}"><span aria-hidden="true">{}</span> {}</span>'
    return format_html(html, look.tone, look.shape, word or look.word)


def invoice_key(invoice: Invoice, on: date) -> str:
    """The most telling word for an invoice on a day; a dispute is told before lateness."""
    if invoice.voided_on is not None:
        return "invoice.void"
    if not invoice.open_amount:
        return "invoice.paid"
    if invoice.is_disputed:
        return "invoice.disputed"
    if invoice.days_overdue(on):
        return "invoice.overdue"
    return "invoice.part_paid" if invoice.open_amount < invoice.invoiced_amount else "invoice.open"


def invoice_label(invoice: Invoice, on: date) -> SafeString:
    key = invoice_key(invoice, on)
    if key != "invoice.overdue":
        return label(key)
    days = invoice.days_overdue(on)
    return label(key, ngettext("overdue %(days)d day", "overdue %(days)d days", days) % {"days": days})
