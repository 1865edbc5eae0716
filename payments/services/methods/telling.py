"""What payers and the office are told about methods. Messages are rows of the fact's transaction."""

from collections.abc import Callable
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.models import Customer
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.transactions import transaction_required
from payments.models import PaymentMethod
from payments.services.methods.words import reason_words

# (subject, paragraphs) in the language that is active when it is called.
Letter = Callable[[], tuple[str, list[str]]]


@transaction_required
def tell_payer(*, customer: Customer, kind: str, fact: str, letter: Letter, now: datetime) -> None:
    """A mail in the payer's language; without an address the office is told to call."""
    with override(customer.language if customer.email else "en"):
        subject, body = letter()
        if not customer.email:
            subject = _("Tell {customer} ({code}): {subject}").format(
                customer=customer.name, code=customer.code, subject=subject
            )
            body = [_("There is no e-mail address. Call or write:"), *body]
        message = Message(
            kind=kind, fact=fact[:80], recipient=customer.email or "counter", party=customer.pk,
            channel=Channel.EMAIL if customer.email else Channel.OFFICE,
            language=customer.language if customer.email else "en", subject=subject[:200], body="\n\n".join(body),
        )  # fmt: skip
    queue_notices(customer.organization, [message], now)


@transaction_required
def tell_office(*, method: PaymentMethod, kind: str, subject: str, body: str, now: datetime) -> None:
    """Once for each method and kind, in English, into the office inbox."""
    message = Message(
        kind=kind, fact=f"method:{method.pk}", recipient="office", channel=Channel.OFFICE, subject=subject[:200],
        body=body, party=method.customer_id,
    )  # fmt: skip
    queue_notices(method.organization, [message], now)


@transaction_required
def tell_added(*, method: PaymentMethod, now: datetime) -> None:
    """A new method is always told, so that nobody adds one behind a payer's back."""

    def letter() -> tuple[str, list[str]]:
        return _("{method} was added").format(method=method), [
            _("Dear {name},").format(name=method.customer.shown_name),
            _("{method} can now be used to pay {school}.").format(method=method, school=method.organization.shown_name),
            _("If this was not you, call the school's office at once."),
        ]  # fmt: skip

    tell_payer(
        customer=method.customer, kind="method_added", fact=f"method:{method.pk}:{now:%Y%m%d%H%M%S}", letter=letter,
        now=now,
    )  # fmt: skip


@transaction_required
def tell_stopped(*, method: PaymentMethod, what: str, now: datetime) -> None:
    """A method that was in use can be used no more. what: a code of words.REASONS."""

    def letter() -> tuple[str, list[str]]:
        words = reason_words(what)
        return _("{method} can no longer be used").format(method=method), [
            _("Dear {name},").format(name=method.customer.shown_name),
            f"{words.what} {words.next}".strip(),
            _("Nothing is charged to it any more. You can add another one under Ways to pay."),
        ]  # fmt: skip

    tell_payer(
        customer=method.customer, kind="method_stopped", fact=f"method:{method.pk}:{what}:{now:%Y%m%d%H%M%S}",
        letter=letter, now=now,
    )  # fmt: skip
