"""Forgetting from where and by which browser somebody signed in or asked for a link (R171).

That it happened stays, with the time and whose login it was.
"""

from datetime import datetime

from django.db.models import Q

from billing.office.blotting import blot
from billing.office.models import AccountLink, SignIn, User
from billing.transactions import transaction_required

BATCH = 500


@transaction_required
def forget_traces_of(*, user: User) -> None:
    """Of one login, whose sessions are over. Called while its e-mail address still stands."""
    known = SignIn.objects.filter(user=user).values_list("pk", flat=True)
    asked = Q(user=user) | Q(recipient=user.email.lower()) if user.email else Q(user=user)
    _forget(list(known), list(AccountLink.objects.filter(asked).values_list("pk", flat=True)))


@transaction_required
def forget_traces_before(*, start: datetime) -> int:
    """A batch of all that lies before. Returns how many rows lost something: 0 once nothing is left."""
    seen = SignIn.objects.filter(seen_at__lt=start).exclude(device_hash="", user_agent="", address=None)
    asked = AccountLink.objects.filter(asked_at__lt=start, expires_at__lt=start).exclude(recipient="", asked_from=None)
    sign_ins = list(seen.order_by("pk").values_list("pk", flat=True)[:BATCH])
    links = list(asked.order_by("pk").values_list("pk", flat=True)[:BATCH])
    _forget(sign_ins, links)
    return len(sign_ins) + len(links)


def _forget(sign_ins: list[int], links: list[int]) -> None:
    SignIn.objects.filter(pk__in=sign_ins).update(device_hash="", user_agent="", address=None)
    AccountLink.objects.filter(pk__in=links).update(recipient="", asked_from=None)
    blot("office_accountlink", links, ("recipient", "asked_from"))
