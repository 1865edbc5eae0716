"""What waits at the counter besides payments: cheques, refunds, disputes."""

from collections.abc import Iterable
from decimal import Decimal

from django.utils.translation import gettext as _

from billing.money import format_money
from config.console.cards import Card, Desk, opened
from payments.selectors import disputes, vault
from payments.selectors.refund_queue import lateness, queue_counts

Figures = Iterable[tuple[str, int, Decimal]]
# Queues that ask for something to be done as soon as anything is in them.
ASKING = {"due_tomorrow": "warn", "no_answer": "warn", "returned": "bad", "not_collected": "warn"}


def cheque_cards(desk: Desk) -> list[Card]:
    """The five queues of the vault. Three queries."""
    figures = vault.queue_figures(desk.organization, desk.today)
    return [
        Card(
            str(queue.label), str(_count(figures[name])), _sums(figures[name]) or str(queue.description),
            opened("vault", queue=name), ASKING.get(name, "") if figures[name] else "",
        )
        for name, queue in vault.QUEUES.items()
    ]  # fmt: skip


def money_back_cards(desk: Desk) -> list[Card]:
    """Refunds to decide and to pay, those that are late, and disputes. Eight queries."""
    late = lateness(desk.organization, desk.now)
    counts = queue_counts(desk.organization, late, desk.now)
    waiting = counts["to_put_forward"] + counts["waiting"]
    found = disputes.figures(desk.organization, desk.today)
    return [
        Card(
            _("Refunds asked for"), str(waiting),
            _("%(count)d to put before another person") % {"count": counts["to_put_forward"]}
            if counts["to_put_forward"]
            else _("another person decides") if waiting
            else _("Refunds that wait for a decision would be here."),
            opened("refunds", tab="to_put_forward" if counts["to_put_forward"] else "waiting"),
        ),
        Card(
            _("Refunds to pay out"), str(counts["to_pay_out"]),
            _("approved, the money is reserved") if counts["to_pay_out"]
            else _("Approved refunds that were not sent yet would be here."),
            opened("refunds", tab="to_pay_out"), "warn" if counts["to_pay_out"] else "",
        ),
        Card(
            _("Late refunds"), str(counts["late"]),
            _("%(count)d so late that the promise is broken") % {"count": counts["breach"]} if counts["breach"]
            else _("later than was promised") if counts["late"]
            else _("Refunds later than promised would be here."),
            opened("refunds", tab="late"), "bad" if counts["late"] else "",
        ),
        Card(
            _("Disputes"), str(found.open),
            _("%(late)d past the deadline, %(soon)d due soon") % {"late": found.late, "soon": found.soon}
            if found.late or found.soon
            else _("all within their time") if found.open
            else _("Contested invoices and chargebacks would be here."),
            opened("disputes"), "bad" if found.late else "warn" if found.soon else "",
        ),
    ]  # fmt: skip


def _count(figures: Figures) -> int:
    return sum(count for _currency, count, _amount in figures)


def _sums(figures: Figures) -> str:
    return " + ".join(format_money(amount, currency) for currency, _number, amount in figures)
