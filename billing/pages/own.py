"""Who asks, and which accounts are theirs. Anything else does not exist, whatever is asked for (R162)."""

from django.http import HttpRequest

from billing.inputs import has_bank_account, has_card_number
from billing.models import Customer
from billing.office.models import User


def own_customers(user: User) -> list[Customer]:
    rows = Customer.objects.filter(users=user, organization__is_active=True, is_active=True)
    return list(rows.select_related("organization").order_by("organization__name", "code"))


def user_of(request: HttpRequest) -> User:
    """Of a page that asks for a login."""
    assert isinstance(request.user, User)
    return request.user


def kept(text: str) -> str:
    """What was typed, for the form that is shown again; a card or account number is not sent back (invariant 47)."""
    return "" if has_card_number(text) or has_bank_account(text) else text
