"""The frame around every screen: signing in, the organization worked in, the menu, home, error pages."""

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from billing.office import clock
from billing.office.access import grant_role
from billing.office.models import Organization, User
from tests import builders as b
from tests.config.console.cast import STAFF, furnish, person, signed_in

PASSWORD = "a long enough password 1"
HOME = "/console/"


@pytest.fixture
def here(db: None) -> Organization:
    return b.organization("here", name="Here School")


@pytest.fixture
def there(db: None) -> Organization:
    return b.organization("there", name="There School", currency="TWD", zone="Asia/Taipei")


def sign_in(username: str) -> Any:
    return Client().post("/sign-in/?next=/console/", {"username": username, "password": PASSWORD, "next": "/console/"})


class TestSigningIn:
    def test_whoever_works_somewhere_comes_in_without_any_flag(self, here: Organization) -> None:
        clerk = b.user(here, "clerk")
        assert not clerk.is_staff
        response = sign_in(clerk.username)
        assert (response.status_code, response["Location"]) == (302, HOME)

    @pytest.mark.parametrize("role", ["parent", "teacher"])
    def test_R168_a_parent_or_teacher_is_told_and_stays_outside(self, role: str, here: Organization) -> None:
        outsider = b.user(here, role)
        assert "does not work in any office here" in sign_in(outsider.username).content.decode()
        assert signed_in(outsider).get(HOME).status_code == 302

    def test_a_withdrawn_role_ends_with_the_next_page(self, here: Organization) -> None:
        clerk = b.user(here, "clerk")
        client = signed_in(clerk)
        assert client.get(HOME).status_code == 200
        clerk.memberships.update(withdrawn_at=clock.now())
        assert client.get(HOME).status_code == 302

    def test_a_staff_session_ends_after_a_quarter_of_an_hour_and_a_parents_does_not(self, here: Organization) -> None:
        staff, parent = signed_in(b.user(here, "clerk")), signed_in(b.user(here, "parent"))
        for client in (staff, parent):
            client.get(HOME)
        assert staff.session.get_expiry_age() <= settings.STAFF_IDLE_SECONDS
        assert parent.session.get_expiry_age() > settings.STAFF_IDLE_SECONDS
        assert staff.session["seen"] <= int(time.time())

    def test_the_password_link_works_once(self, here: Organization) -> None:
        user = b.user(here, "clerk")
        key, token = urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)
        link = reverse("admin:welcome", args=[key, token])
        client = Client()
        form = client.get(link, follow=True)
        assert "Choose your password" in form.content.decode()
        weak = client.post(form.redirect_chain[-1][0], {"new_password1": "short", "new_password2": "short"})
        assert "too short" in weak.content.decode()
        new = "another very long phrase 7"
        done = client.post(form.redirect_chain[-1][0], {"new_password1": new, "new_password2": new})
        assert done["Location"] == "/sign-in/"
        user.refresh_from_db()
        assert user.check_password(new)
        assert "no longer works" in Client().get(link).content.decode()


class TestOrganization:
    def test_one_switches_between_ones_own_only(self, here: Organization, there: Organization) -> None:
        other = b.organization("other", name="Other School")
        clerk = b.user(here, "clerk")
        _join(clerk, there)
        client = signed_in(clerk)
        assert "Other School" not in client.get(HOME).content.decode()
        assert client.post(reverse("admin:organization"), {"organization": there.pk}).status_code == 302
        assert client.get(HOME).wsgi_request.organization == there  # type: ignore[attr-defined]
        for foreign in (other.pk, 0, "x", ""):
            assert client.post(reverse("admin:organization"), {"organization": foreign}).status_code == 404
        assert client.get(HOME).wsgi_request.organization == there  # type: ignore[attr-defined]

    def test_it_changes_nothing_by_a_link_or_from_another_site(self, here: Organization) -> None:
        clerk = b.user(here, "clerk")
        assert signed_in(clerk).get(reverse("admin:organization")).status_code == 405
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(clerk)
        assert strict.post(reverse("admin:organization"), {"organization": here.pk}).status_code == 403

    def test_its_own_date_stands_at_the_top(self, there: Organization) -> None:
        text = person(there, "clerk").get(HOME).content.decode()
        today = there.today(clock.now())
        assert f"{today.day} {today:%b %Y}" in text

    def test_the_language_is_kept_for_the_next_machine(self, here: Organization) -> None:
        clerk = b.user(here, "clerk")
        response = signed_in(clerk).post(reverse("admin:language"), {"language": "zh-hant", "next": HOME})
        assert response["Location"] == HOME
        assert User.objects.get(pk=clerk.pk).language == "zh-hant"
        assert 'lang="zh-hant"' in signed_in(User.objects.get(pk=clerk.pk)).get(HOME).content.decode()


def _join(user: User, org: Organization) -> None:
    with transaction.atomic():
        grant_role(user=user, organization=org, role="clerk", by=None)


MENU = {
    "clerk": (
        {"Receive payment", "Customers", "Payments", "Policies"},
        {"Journal", "Audit trail", "Users and roles", "Jobs"},
    ),
    "supervisor": ({"Receive payment", "Journal"}, {"Audit trail", "Users and roles", "Jobs"}),
    "manager": ({"Journal", "Audit trail", "Aging"}, {"Receive payment", "Users and roles", "Jobs"}),
    "finance_manager": ({"Periods", "Users and roles", "Audit trail"}, {"Receive payment", "Jobs"}),
    "accountant": ({"Receipts", "Periods", "Audit trail"}, {"Receive payment", "Users and roles", "Jobs"}),
    "school_admin": ({"Policies", "Users and roles", "API clients"}, {"Receive payment", "Audit trail", "Jobs"}),
    "platform_admin": ({"Jobs", "Users and roles", "Audit trail"}, {"Customers", "Payments", "Journal", "Policies"}),
}


def menu_of(text: str) -> dict[str, str]:
    """Words of the side bar and where they lead."""
    bar = text.partition('id="nav-sidebar-apps"')[2].partition("</nav>")[0]
    found = re.findall(r'<a href="([^"]+)"[^>]*>.*?<span>([^<]+)</span>', bar, re.S)
    return {words: link for link, words in found}


@pytest.mark.parametrize("role", STAFF)
def test_R167_the_menu_has_what_the_role_may_do_and_each_line_opens(role: str, here: Organization) -> None:
    client = person(here, role)
    menu = menu_of(client.get(HOME).content.decode())
    wanted, unwanted = MENU[role]
    assert wanted <= set(menu) and not unwanted & set(menu), menu
    for words, link in menu.items():
        assert client.get(link).status_code == 200, words


@pytest.mark.parametrize("role", STAFF)
class TestHome:
    def test_it_takes_fewer_than_30_queries(self, role: str, here: Organization) -> None:
        furnish(here, "heron")
        client = person(here, role)
        client.get(HOME)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(HOME).status_code == 200
        assert len(queries) < 30, [q["sql"][:90] for q in queries]

    def test_every_number_opens_its_list(self, role: str, here: Organization) -> None:
        furnish(here, "heron")
        client = person(here, role)
        text = client.get(HOME).content.decode().partition('class="q-page"')[2]
        links = {link.replace("&amp;", "&") for link in re.findall(r'<a [^>]*?href="(/[^"]+)"', text)}
        assert links
        for link in links:
            assert client.get(link).status_code == 200, link

    def test_an_empty_office_is_told_what_would_be_here(self, role: str, here: Organization) -> None:
        text = person(here, role).get(HOME).content.decode()
        assert "will " in text or "would be here" in text


def test_home_of_the_platform_admin_shows_no_money(here: Organization) -> None:
    furnish(here, "heron")
    text = person(here, "platform_admin").get(HOME).content.decode()
    assert "US$" not in text and "not running" in text


def test_home_counts_what_was_taken_today_and_links_to_just_that(here: Organization) -> None:
    today = here.today(clock.now())
    payer = b.customer(here)
    for amount, day in (("30.00", today), ("12.50", today), ("99.00", today - timedelta(days=1))):
        b.pay(payer, amount, now=clock.now(), received_on=day)
    client = person(here, "clerk")
    text = client.get(HOME).content.decode()
    taken = text.partition('id="taken"')[2].partition("</table>")[0]
    assert "US$42.50" in taken and "US$99.00" not in taken and "US$141.50" not in taken
    link = next(link for link in re.findall(r'href="([^"]+)"', text) if "method__exact=cash" in link)
    listed = client.get(link.replace("&amp;", "&")).content.decode()
    assert "US$30.00" in listed and "US$12.50" in listed and "US$99.00" not in listed


def test_the_proof_of_the_books_fails_when_ledger_and_documents_differ(here: Organization) -> None:
    b.invoice(b.customer(here), "120.00")
    cache.clear()
    client = person(here, "finance_manager")
    assert "✓ proved" in client.get(HOME).content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET session_replication_role = replica")
        cursor.execute("UPDATE billing_invoice SET written_off_amount = 1")
        cursor.execute("SET session_replication_role = origin")
    cache.clear()
    text = client.get(HOME).content.decode()
    assert "▲ does not agree" in text and "accounts receivable US$1.00" in text
    cache.clear()


class TestFinding:
    def test_it_finds_screens_and_own_records_and_remembers_nothing(
        self, here: Organization, there: Organization
    ) -> None:
        furnish(here, "heron")
        furnish(there, "magpie")
        clerk = b.user(here, "clerk")
        _join(clerk, there)
        found = signed_in(clerk, here).get(reverse("admin:search"), {"s": "family", "extended": "1"}).content.decode()
        assert "heron Family" in found and "magpie" not in found
        found = signed_in(clerk, there).get(reverse("admin:search"), {"s": "family", "extended": "1"}).content.decode()
        assert "magpie Family" in found and "heron" not in found

    def test_who_sees_no_money_finds_none(self, here: Organization) -> None:
        furnish(here, "heron")
        client = person(here, "platform_admin")
        assert "heron" not in client.get(reverse("admin:search"), {"s": "heron", "extended": "1"}).content.decode()


class TestErrorPages:
    def test_a_wrong_address_says_what_to_do(self, here: Organization) -> None:
        page = person(here, "clerk").get("/console/nowhere/")
        assert page.status_code == 404 and "Search for it by its number" in page.content.decode()

    def test_a_closed_door_says_what_to_do(self, here: Organization) -> None:
        page = person(here, "clerk").get(reverse("admin:ledger_journalentry_changelist"))
        assert page.status_code == 403 and "Your role does not allow this" in page.content.decode()

    def test_a_crash_shows_nothing_of_itself(self, here: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(request: Any) -> Any:
            raise RuntimeError("secret detail")

        monkeypatch.setattr("config.console.home.home_context", broken)
        client = person(here, "clerk")
        client.raise_request_exception = False
        page = client.get(HOME)
        assert page.status_code == 500
        assert "nothing is half done" in page.content.decode() and "secret" not in page.content.decode()


@pytest.mark.parametrize("path", ["/console/login/", HOME, "/console/billing/customer/", "/console/policies/"])
def test_pages_carry_no_script_and_no_style_of_their_own(path: str, here: Organization) -> None:
    page = person(here, "clerk").get(path)
    text = page.content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"\son(click|load|submit|change)=", text)
    if page.status_code == 200:
        assert "no-store" in page["Cache-Control"]
