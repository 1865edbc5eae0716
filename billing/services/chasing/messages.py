"""What customers are told: one message for a family, level and day, with every invoice, what to do and what follows."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.models import Agreement, Customer, DunningCase
from billing.money import ZERO, format_money
from billing.office.models import Notice, Organization
from billing.office.notices import Message, queue_notices
from billing.rules.payment_codes import customer_code
from billing.rules.timeline import Planned
from billing.selectors.chasing.files import CaseFile
from billing.services.pay_links import links_for_messages
from billing.services.telling.writing import message_to
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
    notices = {
        (n.kind, n.fact): n
        for n in Notice.objects.filter(organization=organization, fact__in=facts, original__isnull=True)
    }
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
    customers = list({file.case.customer_id: file.case.customer for file in files}.values())
    customer = customers[0]

    def values() -> Mapping[str, str]:
        totals = [format_money(amount, currency) for currency, amount in _totals(files)]
        found = {
            "total": " + ".join(totals), "level": str(step.number),
            "due": date_format(min(file.case.invoice.due_on for file in files)),
            "invoices": "\n".join(_line(file, today) for file in files),
            "together": "\n".join(_("Together: {total}").format(total=total) for total in totals),
            "consequences": "\n\n".join(_consequences(files, step)),
            "how_to_pay": "\n\n".join(how_to_pay(*customers, links=links)),
        }  # fmt: skip
        return found | ({"headline": _headline(files, found["total"])} if step.kind == "before" else {})

    return message_to(customer, kind_of(step), f"case:{files[0].case.pk}:{files[0].round}:{step.code}", values)


def _headline(files: Sequence[CaseFile], total: str) -> str:
    days = {file.case.invoice.due_on for file in files}
    if len(days) == 1:
        return _("{total} is due on {day}").format(total=total, day=date_format(days.pop()))
    return _("{total} is due soon").format(total=total)


def _totals(files: Sequence[CaseFile]) -> list[tuple[str, Decimal]]:
    sums: dict[str, Decimal] = {}
    for file in files:
        invoice = file.case.invoice
        sums[invoice.currency] = sums.get(invoice.currency, ZERO) + invoice.open_amount
    return sorted(sums.items())


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
    links = links_for_messages(customers=[case.customer], now=now) if what in UNPAID else {}
    invoice = case.invoice

    def values() -> Mapping[str, str]:
        return {
            "agreement": agreement.number, "plan": agreement.plan.name, "invoices": invoice.number,
            "amount": format_money(invoice.open_amount, invoice.currency), "day": date_format(on),
            "how_to_pay": "\n\n".join(how_to_pay(case.customer, links=links)),
        }  # fmt: skip

    message = message_to(case.customer, f"agreement_{what}", f"case:{case.pk}:{round_now}:{what}", values)
    queue_notices(case.organization, [message], now)
