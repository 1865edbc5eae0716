"""What the office and payers are told about what Zoho bills."""

from datetime import datetime
from hashlib import sha256

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.money import format_money
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.transactions import transaction_required
from payments.models import ZohoSubscription


@transaction_required
def tell_office(*, link: ZohoSubscription, trouble: str, now: datetime) -> None:
    """Once for each subscription and trouble."""
    agreement, digest = link.agreement, sha256(trouble.encode()).hexdigest()[:40]
    message = Message(
        kind="zoho_for_person", fact=f"zoho:{link.key}:{digest}", recipient="office", channel=Channel.OFFICE,
        subject=f"{agreement.number}: Zoho Billing needs a person", body=f"{agreement.number}: {trouble}",
        party=agreement.customer_id,
    )  # fmt: skip
    queue_notices(link.organization, [message], now)


@transaction_required
def ask_to_subscribe(*, link: ZohoSubscription, fact: str, now: datetime) -> None:
    """Send the payer Zoho's page on which they subscribe (R60). fact: key of the errand."""
    with override(link.agreement.customer.language):
        subject = _("Please set up your payment for {agreement}").format(agreement=link.agreement.number)
        body = _("Your card or bank account is kept by Zoho Billing, which charges it. Open this page to begin:")
        _mail(
            link,
            "zoho_subscribe",
            fact,
            subject,
            f"{body}\n\n{link.page_url}\n\n{_until(link.page_until)}",
            now,
        )


@transaction_required
def ask_for_method(*, link: ZohoSubscription, fact: str, open_amount: str, now: datetime) -> None:
    """A charge failed; ask the payer for another card or account (R76)."""
    with override(link.agreement.customer.language):
        subject = _("Your payment for {agreement} did not go through").format(agreement=link.agreement.number)
        body = _("{amount} could not be charged. Please give another card or bank account on this page:").format(
            amount=open_amount
        )
        _mail(link, "zoho_method", fact, subject, f"{body}\n\n{link.method_url}\n\n{_until(link.method_until)}", now)


def amount_words(link: ZohoSubscription) -> str:
    """What is open of its invoices, in Zoho."""
    total = sum(bill.balance for bill in link.bills.all())
    return format_money(total, link.agreement.currency)


def _until(at: datetime | None) -> str:
    if at is None:
        return ""
    return str(_("It can be opened until {time}; after that, ask us for another.")).format(
        time=date_format(at, "DATETIME_FORMAT")
    )


def _mail(link: ZohoSubscription, kind: str, fact: str, subject: str, body: str, now: datetime) -> None:
    customer = link.agreement.customer
    by_mail = bool(customer.email)
    message = Message(
        kind=kind, fact=f"zoho:{fact}", recipient=customer.email or "office", subject=subject,
        body=body.strip(), party=customer.pk, language=customer.language if by_mail else "en",
        channel=Channel.EMAIL if by_mail else Channel.OFFICE,
    )  # fmt: skip
    queue_notices(link.organization, [message], now)
