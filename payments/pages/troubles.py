"""What stands in the way of a family's payments, each with its way out; the gravest first (R46, R177)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.errors import Sentence
from billing.models import Agreement
from billing.money import format_money
from billing.pages.family import TROUBLES
from billing.selectors.family import Sums
from payments.models import Payment, PaymentAttempt, PaymentMethod
from payments.models.attempt import LIVE, AttemptState
from payments.models.payment_method import MethodState
from payments.models.recovery import Verdict
from payments.pages.shown import shown
from payments.selectors.family_home import Means
from payments.services.methods.words import declined_words

Days = Mapping[int, date]


@dataclass(frozen=True)
class Trouble:
    """tone: "problem" to act on, "warning" to know in time, "waiting" where nothing is to be done.

    more: what comes of it. ways: (address, words) of what can be done, the one that is meant first.
    """

    tone: str
    text: Sentence
    more: Sentence = ""
    ways: Sequence[tuple[str, Sentence]] = ()


def troubles_of(
    means: Means, sums: Iterable[Sums], helpless: Iterable[Agreement], resting: Iterable[Agreement], days: Days
) -> list[Trouble]:
    """helpless: charged by themselves, with nothing to charge. resting: suspended or lapsed. days: today at a school.

    No query.
    """
    found = [_failed(one) for one in means.failed]
    found += [_overdue(one) for one in sums if one.overdue]
    found += [_resting(one) for one in resting]
    found += [_helpless(one) for one in helpless]
    found += list(_methods(means.methods, days))
    found += [_live(one) for one in means.live]
    return found + [_waiting(one) for one in means.waiting]


def trouble_of(attempt: PaymentAttempt) -> Trouble | None:
    """Of the last try at an invoice, as last_tries gives it; None where it came through."""
    if attempt.state in LIVE:
        return _live(attempt)
    return _failed(attempt) if attempt.state == AttemptState.DECLINED else None


def _failed(attempt: PaymentAttempt) -> Trouble:
    """With the reason in plain words and what happens next: the slot that is planned, or what the payer can do."""
    words, decision = declined_words(attempt.reason), getattr(attempt, "retry_decision", None)
    day = (attempt.settled_at or attempt.created_at).astimezone(attempt.organization.zone)
    sentence = _("{amount} could not be charged to {method} on {day}.")
    money, method = format_money(attempt.amount, attempt.currency), attempt.method or _("your bank")
    text = sentence.format(amount=money, method=method, day=date_format(day))
    more, ways = words.next, [(reverse("family_pay"), _("Pay in another way"))]
    if decision is not None and decision.done_at is None:
        ways.insert(0, (reverse("family_retry", args=[decision.pk]), _("Choose what happens next")))
        if decision.try_at is not None and decision.verdict != Verdict.PERSON:
            slot = date_format(decision.try_at.astimezone(attempt.organization.zone))
            sentence = _("We charge {method} on {day}, unless you choose something else.")
            more = sentence.format(method=decision.method or attempt.method, day=slot)
    return Trouble("problem", f"{text} {words.what}", more, ways)


def _overdue(sums: Sums) -> Trouble:
    text = _("{amount} is overdue.").format(amount=format_money(sums.overdue, sums.currency))
    return Trouble("problem", text, "", [(reverse("family_invoices") + "?state=overdue", _("See what it is"))])


def _named(agreement: Agreement) -> str:
    return f"{agreement.student.name} · {agreement.plan.name}" if agreement.student else agreement.plan.name


def _resting(agreement: Agreement) -> Trouble:
    ways = [(reverse("family_pay"), _("Pay what is owed"))] if agreement.state == "suspended" else []
    return Trouble("problem", f"{_named(agreement)}: {TROUBLES[agreement.state]}", "", ways)


def _helpless(agreement: Agreement) -> Trouble:
    text = _("{what} is to be paid by itself, but there is no card or bank account that can be charged.")
    ways = [(reverse("family_methods"), _("Add a card or bank account"))]
    return Trouble("problem", text.format(what=_named(agreement)), "", ways)


def _methods(methods: Sequence[PaymentMethod], days: Days) -> Iterator[Trouble]:
    """One that is disabled is told only while nothing else of its payer is ready: then it is missed."""
    ready = {one.customer_id for one in methods if one.state == MethodState.ACTIVE}
    for method in methods:
        view = shown(method, days[method.organization_id])
        address = reverse("family_method", args=[method.pk])
        if view.days_left is not None:
            text = ngettext("{method} expires in {n} day.", "{method} expires in {n} days.", view.days_left)
            new = f"{reverse('family_method_add', args=[method.customer_id, method.instrument])}?replaces={method.pk}"
            yield Trouble(
                "warning", text.format(method=method, n=view.days_left), "", [(new, _("Add the new card"))]
            )  # fmt: skip
        elif (
            view.words
            and not view.is_leaving
            and (method.state != MethodState.DISABLED or method.customer_id not in ready)
        ):
            tone = "waiting" if view.is_checking else "warning"
            yield Trouble(tone, f"{method}: {view.words.what}", view.words.next, [(address, _("See what it is"))])


def _live(attempt: PaymentAttempt) -> Trouble:
    money = format_money(attempt.amount, attempt.currency)
    if attempt.state == AttemptState.PENDING:
        text, more = _("{amount} is on its way from your bank."), _("You need not do anything.")
    else:
        text, more = _("{amount} is being confirmed."), _("Do not pay it again; we ask the bank until it is known.")
    ways = [(reverse("family_paid", args=[attempt.pk]), _("How it stands"))]
    return Trouble("waiting", text.format(amount=money), more, ways)


def _waiting(payment: Payment) -> Trouble:
    text = _("{amount} of {day} ({method}) waits to be checked by the office.").format(
        amount=format_money(payment.amount, payment.currency), day=date_format(payment.received_on),
        method=payment.get_method_display(),
    )  # fmt: skip
    return Trouble("waiting", text, _("It counts once it is checked; you need not do anything."))
