"""What customers are told: one message for a family, level and day, with every invoice, what to do and what follows."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from billing.models import Agreement, Customer, DunningCase
from billing.money import ZERO, format_money
from billing.office.models import Notice, Organization
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.rules.payment_codes import customer_code
from billing.rules.timeline import Planned
from billing.selectors.chasing.files import CaseFile
from billing.services.pay_links import links_for_messages
from billing.transactions import transaction_required

Told = tuple[CaseFile, Planned]
UNPAID = ("suspend", "lapse")  # what an agreement's family is told while something is to be paid


def kind_of(step: Planned) -> str:
    """The kind of a reminder's notice: reminder_before, reminder_1 …, reminder_final."""
    return f"reminder_{step.number}" if step.kind == "level" else f"reminder_{step.kind}"


@transaction_required
def queue_reminders(
    *, organization: Organization, told: Sequence[Told], today: date, now: datetime
) -> dict[int, Notice]:  # fmt: skip
    """One message for each family and reminder; returns the notice of each case. Two queries, five for pay links.

    It is known by the step of its first timeline, which is taken once in a round: what the same day tells later, of
    other invoices, is a message of its own.
    Customers of one household with the same address share a message; others stay apart. Without an e-mail address the
    office is told to call.
    """
    families = [list(group) for _key, group in groupby(sorted(told, key=_order), key=_family)]
    links = links_for_messages(customers=[file.case.customer for file, _step in told], now=now)
    messages = [_reminder(family, today, links) for family in families]
    queue_notices(organization, messages, now)
    facts = {message.fact for message in messages}
    notices = {(n.kind, n.fact): n for n in Notice.objects.filter(organization=organization, fact__in=facts)}
    return {
        file.case.pk: notices[message.kind, message.fact]
        for message, family in zip(messages, families, strict=True)
        for file, _step in family
    }


def _family(one: Told) -> tuple[str, int, str, str]:
    """Whoever reads the same message: the household's members with one address, else the customer; and the step."""
    file, step = one
    customer = file.case.customer
    if customer.household_id and customer.email:
        return ("household", customer.household_id, customer.email.lower(), step.code)
    return ("customer", customer.pk, "", step.code)


def _order(one: Told) -> tuple[object, ...]:
    file, _step = one
    return (*_family(one), file.case.customer_id, file.case.invoice.due_on, file.case.invoice_id)


def _reminder(family: Sequence[Told], today: date, links: Mapping[int, str]) -> Message:
    files, step = [file for file, _step in family], family[0][1]
    customer = files[0].case.customer
    reachable = bool(customer.email)
    with override(customer.language if reachable else "en"):
        subject, body = _subject(files, step), "\n\n".join(_body(files, step, today, links))
        if not reachable:
            words = _("Call or write to {customer} ({code}): {subject}")
            subject = words.format(customer=customer.name, code=customer.code, subject=subject)
            body = _("There is no e-mail address. Call or write:") + "\n\n" + body
    return Message(
        kind=kind_of(step), fact=f"case:{files[0].case.pk}:{files[0].round}:{step.code}", party=customer.pk,
        recipient=customer.email or "counter", channel=Channel.EMAIL if reachable else Channel.OFFICE,
        language=customer.language if reachable else "en", subject=subject, body=body,
    )  # fmt: skip


def _subject(files: Sequence[CaseFile], step: Planned) -> str:
    total = " + ".join(format_money(amount, currency) for currency, amount in _totals(files))
    if step.kind == "before":
        days = {file.case.invoice.due_on for file in files}
        if len(days) == 1:
            return _("{total} is due on {day}").format(total=total, day=date_format(days.pop()))
        return _("{total} is due soon").format(total=total)
    if step.kind == "final":
        return _("Final notice: {total} is overdue").format(total=total)
    if step.number == 1:
        return _("Reminder: {total} is overdue").format(total=total)
    return _("Reminder {level}: {total} is overdue").format(level=step.number, total=total)


def _totals(files: Sequence[CaseFile]) -> list[tuple[str, Decimal]]:
    sums: dict[str, Decimal] = {}
    for file in files:
        invoice = file.case.invoice
        sums[invoice.currency] = sums.get(invoice.currency, ZERO) + invoice.open_amount
    return sorted(sums.items())


def _body(files: Sequence[CaseFile], step: Planned, today: date, links: Mapping[int, str]) -> Iterable[str]:
    customers = list({file.case.customer_id: file.case.customer for file in files}.values())
    customer = customers[0]
    yield _("Dear {name},").format(name=customer.shown_name)
    yield _opening(step)
    yield "\n".join(_line(file, today) for file in files)
    yield "\n".join(
        _("Together: {total}").format(total=format_money(amount, currency)) for currency, amount in _totals(files)
    )
    yield from _consequences(files, step)
    yield from how_to_pay(*customers, links=links)


def _opening(step: Planned) -> str:
    if step.kind == "before":
        return _("this is due soon:")
    if step.kind == "final":
        return _(
            "this is still not paid, and this is the last message before what is said below happens. If you cannot pay"
            " all of it now, tell us: we can agree on parts, or on a day that suits you."
        )
    if step.number == 1:
        return _("perhaps you overlooked this; it has not reached us yet:")
    return _("in spite of our reminders this is not paid yet:")


def _line(file: CaseFile, today: date) -> str:
    invoice = file.case.invoice
    days = invoice.days_overdue(today)
    amount, due = format_money(invoice.open_amount, invoice.currency), date_format(invoice.due_on)
    if not days:
        return _("{number}: {amount}, due {day}").format(number=invoice.number, amount=amount, day=due)
    words = ngettext("%(number)s: %(amount)s, due %(due)s, %(days)d day late",
                     "%(number)s: %(amount)s, due %(due)s, %(days)d days late", days)  # fmt: skip
    return words % {"number": invoice.number, "amount": amount, "due": due, "days": days}


def _consequences(files: Sequence[CaseFile], step: Planned) -> Iterable[str]:
    """What happens next and on which day, the earliest for each kind; nothing is threatened before the due day."""
    if step.kind == "before":
        return
    found: dict[str, date] = {}
    for file in files:
        if (coming := file.consequence) is not None:
            found[coming.kind] = min(coming.on, found.get(coming.kind, coming.on))
    sentences = {
        "late_fee": _("If it is not paid before {day}, a late fee is added."),
        "suspend": _("If it is not paid before {day}, the service stops until it is."),
        "lapse": _("If it is not paid before {day}, the policy lapses."),
        "collections": _("If it is not paid before {day}, it is handed to collections."),
    }
    for kind, on in sorted(found.items(), key=lambda pair: pair[1]):
        if kind in sentences:
            yield sentences[kind].format(day=date_format(on))


def how_to_pay(*customers: Customer, links: Mapping[int, str]) -> Iterable[str]:
    """Where to pay and whom to ask, as far as the organization says. customers: of one family, told together.

    links: customer → the address at which it is paid without signing in.
    """
    organization = customers[0].organization
    for customer in customers:
        if customer.pk in links:
            named = f"{customer.shown_name}: " if len(customers) > 1 else ""
            yield named + _("Pay here, without signing in: {address}").format(address=links[customer.pk])
        if customer.virtual_account:
            yield _("Pay by transfer to {account}, or at our counter.").format(account=customer.virtual_account)
        else:
            words = _("Pay at our counter, or by transfer with the reference {reference}.")
            yield words.format(reference=customer_code(customer.pk))
    ways = [way for way in (organization.phone, organization.email) if way]
    if ways:
        yield _("Questions, or paid already? Call or write to us: {ways}").format(ways=", ".join(ways))
    else:
        yield _("Questions, or paid already? Please tell us.")
    yield organization.shown_name


# What an agreement's family is told


@transaction_required
def tell_of_agreement(
    *, case: DunningCase, agreement: Agreement, what: str, round_now: int, on: date, now: datetime
) -> None:  # fmt: skip
    """Tell who pays that service stopped, resumed, that a policy lapsed or is in force again; once in a round."""
    customer = case.customer
    links = links_for_messages(customers=[customer], now=now) if what in UNPAID else {}
    with override(customer.language if customer.email else "en"):
        subject, body = _about(case, agreement, what, on)
        text = "\n\n".join(
            [_("Dear {name},").format(name=customer.shown_name), body, *how_to_pay(customer, links=links)]
        )
    message = Message(
        kind=f"agreement_{what}", fact=f"case:{case.pk}:{round_now}:{what}", party=customer.pk,
        recipient=customer.email or "counter", channel=Channel.EMAIL if customer.email else Channel.OFFICE,
        language=customer.language if customer.email else "en", subject=subject, body=text,
    )  # fmt: skip
    queue_notices(case.organization, [message], now)


def _about(case: DunningCase, agreement: Agreement, what: str, on: date) -> tuple[str, str]:
    invoice = case.invoice
    facts = {"agreement": agreement.number, "plan": agreement.plan.name, "number": invoice.number,
             "amount": format_money(invoice.open_amount, invoice.currency), "day": date_format(on)}  # fmt: skip
    subjects = {
        "suspend": _("{plan} has stopped"), "lapse": _("Your policy {agreement} has lapsed"),
        "reactivate": _("{plan} goes on"), "revive": _("Your policy {agreement} is in force again"),
    }  # fmt: skip
    bodies = {
        "suspend": _(
            "from {day} on {plan} ({agreement}) rests, because invoice {number} ({amount}) is not paid. It goes on as"
            " soon as this is paid. What else you have with us is not touched."
        ),
        "lapse": _(
            "the days of grace of invoice {number} ({amount}) are over, so the policy {agreement} lapsed on {day}."
            " It can be revived: ask us what is due."
        ),
        "reactivate": _("thank you: what was due is paid, and {plan} ({agreement}) goes on from {day}."),
        "revive": _("thank you: what was due is paid, and the policy {agreement} is in force again from {day}."),
    }
    return subjects[what].format(**facts), bodies[what].format(**facts)
