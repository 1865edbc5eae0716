"""People at the door: browsers, codes of authenticators, links from the outbox."""

from typing import Any
from urllib.parse import urlsplit

from django.test import Client
from django_otp.oath import totp

from billing.office import clock
from billing.office.models import Authenticator, Notice, Organization, User
from tests import builders
from tests.console_desk import plain as plain

PASSWORD = "a long enough password 1"
NEW = "another very long phrase 7"


def parent(org: Organization, name: str = "mei@example.org") -> User:
    """A parent with a login named by the address."""
    user = builders.user(name=name)
    user.email = name if "@" in name else f"{name}@example.org"
    user.save(update_fields=["email"])
    builders.customer(org, f"Family of {name}").users.add(user)
    return user


def staff(org: Organization, role: str, name: str) -> User:
    user = builders.user(org, role, name=name)
    user.email = f"{name}@example.org"
    user.save(update_fields=["email"])
    return user


def sign_in(user: User, client: Client | None = None, password: str = PASSWORD, **more: str) -> Any:
    client = client or Client()
    answer: Any = client.post("/sign-in/", {"username": user.username, "password": password} | more)
    answer.browser = client
    return answer


def with_app(user: User) -> Authenticator:
    found: Authenticator = Authenticator.objects.create(user=user, name="app", key="5a" * 20, made_at=clock.now())
    return found


def code_of(user: User, later: int = 0) -> str:
    """What the app shows now, or so many half minutes later."""
    found = Authenticator.objects.filter(user=user).latest("pk")
    return f"{totp(bytes.fromhex(found.key), drift=later):06}"


def link_in(kind: str) -> str:
    """The path of the link in the newest letter of a kind."""
    return str(urlsplit(Notice.objects.filter(kind=kind).latest("pk").link).path)


def letters(user: User) -> list[str]:
    """Kinds of the letters to a user, oldest first."""
    return list(Notice.objects.filter(recipient=user.email).order_by("pk").values_list("kind", flat=True))
