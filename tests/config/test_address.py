"""Whom a request comes from, behind proxies: nobody chooses the address by which he is counted (security list 23)."""

import pytest
from django.test import Client

from billing.office.models import AccountLink

pytestmark = pytest.mark.django_db
OURS, PAYER, LIE = "10.0.0.1", "203.0.113.5", "198.51.100.6"


@pytest.mark.parametrize(
    ("proxies", "written", "counted"),
    [
        (0, PAYER, OURS), (1, PAYER, PAYER), (1, f"{LIE}, {PAYER}", PAYER), (1, f"{LIE},{LIE}, {PAYER} ", PAYER),
        (2, f"{LIE}, {PAYER}, 10.0.0.2", PAYER), (2, f"{PAYER}, 10.0.0.2", PAYER), (2, PAYER, OURS),
        (1, "2001:db8::5", "2001:db8::5"), (1, "", OURS), (1, "unknown", OURS), (1, f"{PAYER},", OURS),
    ],
)  # fmt: skip
def test_23_an_address_is_what_our_own_proxy_wrote(settings, proxies, written, counted) -> None:
    settings.TRUSTED_PROXIES = proxies
    headers = {"x-forwarded-for": written} if written else {}
    Client(REMOTE_ADDR=OURS, headers=headers).post("/password/reset/", {"email": "nobody@example.org"})
    assert AccountLink.objects.get().asked_from == counted


def test_23_wrong_passwords_are_counted_by_it(settings) -> None:
    settings.TRUSTED_PROXIES = 1

    def try_one(written: str) -> int:
        browser = Client(REMOTE_ADDR=OURS, headers={"x-forwarded-for": written})
        return browser.post("/sign-in/", {"username": "carl", "password": "wrong"}).status_code

    assert [try_one(f"{LIE[:-1]}{number}, {PAYER}") for number in range(5)] == [422] * 4 + [429]
    assert try_one("203.0.113.9") == 422
