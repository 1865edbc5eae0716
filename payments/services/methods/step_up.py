"""One more proof that it is the payer who adds a method by which much could be taken (R26).

Whoever has an authenticator uses it; others type a code that was mailed to them. The code is good for ten minutes and
five tries; the mail leaves at once and not by the outbox, so that no code lies readable in our books.
"""

import secrets
from datetime import datetime, timedelta
from functools import partial
from hmac import compare_digest

from django.core.mail import EmailMessage
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError, Sentence
from billing.office.accounts.second_factor import has_authenticator, prove
from billing.office.models import User
from billing.office.secrets import keyed_hash
from billing.transactions import in_transaction, transaction_required
from payments.models import MethodCode, PaymentMethod
from payments.models.payment_method import MethodEventKind, MethodState
from payments.services.methods.proceeding import proceed
from payments.services.methods.removing import locked_method
from payments.services.methods.states import note, stop_method, write

GOOD_FOR, AGAIN_AFTER = timedelta(minutes=10), timedelta(seconds=30)
MOST_TRIES, MOST_CODES = 5, 5
DIGITS = 6


class CodeTrouble(DomainError):
    """code says which: wrong_code, wait, no_code, code_too_old, no_address, too_soon, too_many_codes, not_sent."""


SENTENCES: dict[str, Sentence] = {
    "wrong_code": _("That is not the code. Look again, or have a new one sent."),
    "wait": _("Too many wrong codes. Wait a minute, then type the one that is shown then."),
    "no_code": _("This code is used up. Have a new one sent."),
    "code_too_old": _("This code is older than ten minutes. Have a new one sent."),
    "no_address": _("There is no e-mail address to send a code to. Call the school's office."),
    "too_soon": _("A code was sent a moment ago. Look into your mail; it may take a minute."),
    "too_many_codes": _("Too many codes were sent. Call the school's office."),
    "not_sent": _("The mail could not be sent. Try again in a moment."),
}


def address_of(method: PaymentMethod, user: User) -> str:
    """Where a code goes: of the login, else of the customer."""
    return user.email or method.customer.email


def send_code(*, method: PaymentMethod, user: User, now: datetime, subject: str, body: str) -> None:
    """Mail a new code; earlier ones are void. body: with {code}. Called outside any transaction. Raises CodeTrouble."""
    address = address_of(method, user)
    if not address:
        raise _trouble("no_address")
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    trouble = in_transaction(partial(_write_code, method.pk, code, now))
    if trouble:
        raise _trouble(trouble)
    try:
        EmailMessage(subject, body.format(code=code), to=[address]).send()
    except OSError as failure:
        in_transaction(partial(_void_code, method.pk))
        raise _trouble("not_sent") from failure


def _trouble(code: str) -> CodeTrouble:
    return CodeTrouble(SENTENCES[code], field="code", code=code)


@transaction_required
def _write_code(pk: int, code: str, now: datetime) -> str:
    method = locked_method(pk=pk)
    row = MethodCode.objects.filter(method=method).first()
    code_hash = keyed_hash(f"{pk}:{code}")
    if row is None:
        MethodCode.objects.create(method=method, code_hash=code_hash, sent_at=now)
        return ""
    if row.times_sent >= MOST_CODES:
        return "too_many_codes"
    if row.code_hash and now - row.sent_at < AGAIN_AFTER:
        return "too_soon"
    MethodCode.objects.filter(pk=row.pk).update(
        code_hash=code_hash, sent_at=now, tries=0, times_sent=row.times_sent + 1
    )
    return ""


@transaction_required
def _void_code(pk: int) -> None:
    MethodCode.objects.filter(method_id=pk).update(code_hash="")


def give_code(*, method: PaymentMethod, user: User, typed: str, now: datetime) -> None:
    """The second factor, from an authenticator or the mail; then the method goes on. Outside any transaction.

    Raises CodeTrouble; a wrong one counts. What needs none changes nothing.
    """
    digits = "".join(typed.split())
    if has_authenticator(user):
        proof = in_transaction(partial(prove, user=user, typed=typed, now=now, address=""))
        trouble = "" if proof.device else "wait" if proof.wait_until else "wrong_code"
    else:
        trouble = in_transaction(partial(_check_code, method.pk, digits, user, now))
    if trouble:
        raise _trouble(trouble)
    in_transaction(partial(_step_up, method.pk, user, now))


@transaction_required
def _check_code(pk: int, digits: str, user: User, now: datetime) -> str:
    """What is wrong with it, "" if nothing. The last wrong try of the last code stops the method."""
    method = locked_method(pk=pk)
    row = MethodCode.objects.filter(method=method).first()
    if row is None or not row.code_hash:
        return "no_code"
    if now - row.sent_at > GOOD_FOR:
        return "code_too_old"
    if compare_digest(row.code_hash, keyed_hash(f"{pk}:{digits}")):
        MethodCode.objects.filter(pk=row.pk).update(code_hash="")
        return ""
    tries = row.tries + 1
    used_up = tries >= MOST_TRIES
    MethodCode.objects.filter(pk=row.pk).update(tries=tries, **({"code_hash": ""} if used_up else {}))
    if used_up and row.times_sent >= MOST_CODES and method.state == MethodState.VERIFYING:
        stop_method(method=method, state=MethodState.DISABLED, reason="step_up_failed", now=now, by=user)
    return "no_code" if used_up else "wrong_code"


@transaction_required
def _step_up(pk: int, user: User, now: datetime) -> None:
    method = locked_method(pk=pk)
    if method.state != MethodState.VERIFYING or method.state_reason != "step_up":
        return
    write(method=method, stepped_up_at=now)
    note(method=method, kind=MethodEventKind.STEP_UP, now=now, by=user)
    proceed(method=method, now=now, by=user)
