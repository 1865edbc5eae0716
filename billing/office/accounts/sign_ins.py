"""Where users are signed in, and ending it (invariants, security list 13 and 24)."""

import hashlib
from datetime import datetime

from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.db.models.functions import Now

from billing.office.accounts.devices import device_words
from billing.office.accounts.letters import NEW_DEVICE, tell
from billing.office.models import SignIn, User
from billing.office.models.signing_in import SignInEnd
from billing.transactions import transaction_required

AGENT_LENGTH = 255


def device_digest(device: str) -> str:
    return hashlib.sha256(device.encode(errors="surrogatepass")).hexdigest()


@transaction_required
def record_sign_in(
    *, user: User, session_key: str, device: str, user_agent: str, address: str, now: datetime, proven: bool
) -> SignIn:
    """Somebody was let in. Whoever had signed in before, and never from this browser, is told by mail.

    device: the random word that the browser keeps. proven: with a second factor.
    """
    digest = device_digest(device)
    earlier = SignIn.objects.filter(user=user)
    is_new = earlier.exists() and not earlier.filter(device_hash=digest).exists()
    made = SignIn.objects.create(
        user=user, session_key=session_key, device_hash=digest, user_agent=user_agent[:AGENT_LENGTH],
        address=address or None, signed_in_at=now, seen_at=now, proven_at=now if proven else None,
    )  # fmt: skip
    if is_new:
        words = device_words(made.user_agent, user.language)
        tell(NEW_DEVICE, user=user, fact=f"sign_in:{made.pk}", now=now, device=words, address=address)
    return made


def living_sign_ins(user: User) -> QuerySet[SignIn]:
    """Those whose session has not run out, the one used last first. One query."""
    alive = Session.objects.filter(expire_date__gt=Now()).values("session_key")
    return SignIn.objects.filter(user=user, ended_at__isnull=True, session_key__in=alive).order_by("-seen_at", "-pk")


@transaction_required
def end_sign_ins(*, user: User, end: SignInEnd, now: datetime, keep: str | None = None, only: int | None = None) -> int:
    """End a user's sessions from the next request on. Returns how many were going.

    keep: key of a session that goes on. only: pk of the one sign-in to end.
    """
    going = SignIn.objects.filter(user=user, ended_at__isnull=True, session_key__isnull=False)
    if keep:
        going = going.exclude(session_key=keep)
    if only is not None:
        going = going.filter(pk=only)
    keys = list(going.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    return SignIn.objects.filter(user=user, session_key__in=keys).update(session_key=None, ended_at=now, end=end)
