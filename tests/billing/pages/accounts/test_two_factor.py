"""The second factor end to end: setting up, codes on paper, removing; who must have one (R26; security list 22)."""

import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from billing.office.accounts.second_factor import must_have
from billing.office.models import AuditEntry, Authenticator, Organization, RecoveryCode, User
from billing.office.models.user import STAFF_ROLES
from tests import builders
from tests.billing.pages.accounts.cast import PASSWORD, code_of, letters, parent, plain, sign_in, staff, with_app

pytestmark = pytest.mark.django_db


@pytest.fixture
def school() -> Organization:
    return builders.organization()


def set_up(client: Client, user: User, **typed: str) -> Any:
    assert client.post("/account/two-factor/begin/")["Location"] == "/account/two-factor/set-up/"
    return client.post("/account/two-factor/set-up/", {"code": code_of(user), "current": PASSWORD} | typed)


def codes_in(answer: Any) -> list[str]:
    return re.findall(r"<li>(\w{5}-\w{5})</li>", answer.content.decode())


class TestSettingUp:
    def test_staff_set_it_up_and_sign_in_with_it(self, school: Organization, settings: Any) -> None:
        """End to end: led to it before anything else, key as picture and text, codes shown once, then asked for."""
        settings.SECOND_FACTOR_FOR = "approvers"
        boss = staff(school, "manager", "mia")
        client = sign_in(boss, next="/console/").browser
        led = client.get("/console/billing/customer/?q=lin")
        assert led["Location"] == "/account/two-factor/?next=%2Fconsole%2Fbilling%2Fcustomer%2F%3Fq%3Dlin"
        assert client.post("/console/language/", {"language": "en", "next": "/"}).status_code == 302
        assert "You decide what others only ask for" in plain(client.get(led["Location"]))
        assert client.post("/account/two-factor/begin/").status_code == 302
        page = client.get("/account/two-factor/set-up/").content.decode()
        assert 'src="data:image/svg+xml' in page and "style=" not in page and "<script" not in page
        key = Authenticator.objects.get(user=boss).key_text
        assert key in re.sub(r"\s", "", page)
        done = client.post("/account/two-factor/set-up/", {"code": code_of(boss), "current": PASSWORD})
        codes = codes_in(done)
        assert len(set(codes)) == 10 and "no-store" in done["Cache-Control"]
        assert client.get("/console/").status_code == 200
        assert letters(boss) == ["second_factor_added"]
        again = sign_in(boss, next="/console/")
        assert again["Location"] == "/sign-in/code/"
        assert again.browser.post("/sign-in/code/", {"code": codes[3]})["Location"] == "/console/"
        assert again.browser.get("/console/").status_code == 200
        assert letters(boss)[1:] == ["recovery_code_used", "new_device"]
        repeated = sign_in(boss).browser.post("/sign-in/code/", {"code": codes[3]})
        assert repeated.status_code == 422

    def test_it_needs_the_password_and_a_right_code(self, school: Organization) -> None:
        mei = parent(school)
        client = sign_in(mei).browser
        wrong = set_up(client, mei, current="not the password")
        assert wrong.status_code == 422 and "That is not your password." in plain(wrong)
        wrong = set_up(client, mei, code="000")
        assert wrong.status_code == 422 and not Authenticator.objects.filter(user=mei, confirmed=True).exists()

    def test_done_twice_it_is_done_once(self, school: Organization) -> None:
        mei = parent(school)
        client = sign_in(mei).browser
        assert len(codes_in(set_up(client, mei))) == 10
        again = client.post("/account/two-factor/set-up/", {"code": code_of(mei, 1), "current": PASSWORD})
        assert again["Location"] == "/account/two-factor/"
        client.post("/account/two-factor/begin/")
        assert Authenticator.objects.filter(user=mei).count() == 1

    def test_sessions_without_the_second_factor_end(self, school: Organization) -> None:
        mei = parent(school)
        old, client = sign_in(mei).browser, sign_in(mei).browser
        set_up(client, mei)
        assert old.get("/family/").status_code == 302 and client.get("/family/").status_code == 200

    def test_neither_key_nor_codes_lie_readable_in_the_database_or_the_trail(self, school: Organization) -> None:
        mei = parent(school)
        client = sign_in(mei).browser
        codes = codes_in(set_up(client, mei))
        key = Authenticator.objects.get(user=mei).key
        with connection.cursor() as cursor:
            cursor.execute("SELECT key FROM office_authenticator")
            (sealed,) = cursor.fetchone()
            cursor.execute("SELECT r::text FROM office_recoverycode r")
            kept = " ".join(row[0] for row in cursor.fetchall())
        trail = " ".join(str((e.before, e.after)) for e in AuditEntry.objects.filter(table_name__startswith="office_"))
        assert key not in sealed and key not in trail
        assert not any(code.replace("-", "") in kept or code.replace("-", "") in trail for code in codes)
        hashes = list(RecoveryCode.objects.values_list("code_hash", flat=True))
        assert len(hashes) == 10 and not any(one in trail for one in hashes)


class TestKeeping:
    def test_new_codes_make_the_old_ones_void(self, school: Organization) -> None:
        mei = parent(school)
        client = sign_in(mei).browser
        old = codes_in(set_up(client, mei))
        made = client.post("/account/two-factor/codes/", {"code": code_of(mei, 1), "current": PASSWORD})
        new = codes_in(made)
        assert len(new) == 10 and not set(new) & set(old)
        assert sign_in(mei).browser.post("/sign-in/code/", {"code": old[0]}).status_code == 422
        assert letters(mei) == ["second_factor_added", "recovery_codes"]

    def test_removing_takes_password_and_code(self, school: Organization) -> None:
        mei = parent(school)
        with_app(mei)
        client = sign_in(mei).browser
        client.post("/sign-in/code/", {"code": code_of(mei)})
        for typed in ({"code": "", "current": PASSWORD}, {"code": code_of(mei, 1), "current": "wrong"}):
            assert client.post("/account/two-factor/remove/", typed).status_code == 422
        assert (
            client.post("/account/two-factor/remove/", {"code": code_of(mei, 1), "current": PASSWORD}).status_code
            == 302
        )
        assert not Authenticator.objects.filter(user=mei).exists()
        assert sign_in(mei)["Location"] == "/family/"
        assert "second_factor_removed" in letters(mei)

    def test_a_stranger_signs_in_first(self) -> None:
        for page in ("", "set-up/"):
            assert Client().get(f"/account/two-factor/{page}")["Location"].startswith("/sign-in/")
        for deed in ("begin/", "codes/", "remove/"):
            assert Client().post(f"/account/two-factor/{deed}")["Location"].startswith("/sign-in/")


class TestLostPhone:
    def test_an_operator_removes_it_with_a_reason(self, school: Organization) -> None:
        mei = parent(school)
        client = sign_in(mei).browser
        set_up(client, mei)
        call_command("reset_second_factor", mei.username, reason="Seen in the office")
        assert client.get("/family/").status_code == 302 and sign_in(mei)["Location"] == "/family/"
        assert "second_factor_removed" in letters(mei)
        entry = AuditEntry.objects.filter(table_name="office_authenticator", operation="delete").latest("pk")
        assert (entry.origin, entry.reason) == ("reset_second_factor", "Seen in the office")
        with pytest.raises(CommandError, match="has no second factor"):
            call_command("reset_second_factor", mei.username, reason="Again")


class TestWhoMust:
    @pytest.mark.parametrize(
        ("rule", "roles"),
        [
            ("approvers", {"supervisor", "manager", "finance_manager", "accountant"}),
            ("staff", set(STAFF_ROLES)),
            ("nobody", set()),
        ],
    )  # fmt: skip
    def test_22_it_follows_from_the_matrix(
        self, school: Organization, settings: Any, rule: str, roles: set[str]
    ) -> None:
        settings.SECOND_FACTOR_FOR = rule
        every = [
            "clerk", "supervisor", "manager", "finance_manager", "accountant", "school_admin", "platform_admin",
            "parent", "teacher",
        ]  # fmt: skip
        assert {role for role in every if must_have(builders.user(school, role))} == roles

    def test_a_session_without_it_is_asked_for_a_code_before_the_console(
        self, school: Organization, settings: Any
    ) -> None:
        boss = staff(school, "manager", "mia")
        client = sign_in(boss).browser
        with_app(boss)
        settings.SECOND_FACTOR_FOR = "approvers"
        led = client.post("/console/organization/", {"organization": school.pk})
        assert led["Location"] == "/sign-in/code/?next=%2Fconsole%2F"
        done = client.post("/sign-in/code/", {"code": code_of(boss), "next": "/console/"})
        assert done["Location"] == "/console/" and client.get("/console/").status_code == 200

    def test_a_clerk_works_without(self, school: Organization, settings: Any) -> None:
        settings.SECOND_FACTOR_FOR = "approvers"
        assert sign_in(staff(school, "clerk", "carl")).browser.get("/console/").status_code == 200
