"""Signing in: one door, the same answer to strangers, limits of a session, wrong passwords counted (list 20-24)."""

import re
import time
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from billing.models.party import ProviderKind
from billing.office.models import Organization, SignIn, User
from tests import builders
from tests.agreements import provider
from tests.billing.pages.accounts.cast import PASSWORD, code_of, letters, parent, plain, sign_in, staff, with_app

pytestmark = pytest.mark.django_db


@pytest.fixture
def school() -> Organization:
    return builders.organization()


@pytest.fixture
def mei(school: Organization) -> User:
    return parent(school)


class TestHomes:
    def test_each_kind_of_user_is_sent_home_and_who_has_several_chooses(self, school: Organization, mei: User) -> None:
        teacher = builders.user(name="tess")
        row = provider(school, "Tess", code="T1")
        type(row).objects.filter(pk=row.pk).update(user=teacher, kind=ProviderKind.TEACHER)
        clerk = staff(school, "clerk", "carl")
        assert sign_in(mei)["Location"] == "/family/"
        assert sign_in(clerk)["Location"] == "/console/"
        assert sign_in(teacher)["Location"] in ("/teacher/", "/account/")
        mei.customers.get().users.add(clerk)
        both = sign_in(clerk)
        assert both["Location"] == "/"
        choice = plain(both.browser.get("/"))
        assert "The office" in choice and "Your family" in choice

    @pytest.mark.parametrize(
        "bad", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "family/"]
    )
    def test_33_it_leads_nowhere_else(self, mei: User, bad: str) -> None:
        assert sign_in(mei, next=bad)["Location"] == "/family/"

    def test_it_leads_on_within_the_site(self, mei: User) -> None:
        assert sign_in(mei, next="/family/methods/")["Location"] == "/family/methods/"

    def test_who_is_linked_to_nothing_is_told_and_stays_out(self, school: Organization) -> None:
        nobody = builders.user(name="nemo")
        answer = sign_in(nobody)
        assert answer.status_code == 422 and "does not work in any office here" in plain(answer)
        assert "_auth_user_id" not in answer.browser.session


class TestPassword:
    def test_23_a_stranger_and_a_wrong_password_get_the_same_answer(self, mei: User, monkeypatch: Any) -> None:
        """And the same work: one password is hashed for either."""
        from django.contrib.auth import hashers

        hashed: list[str] = []
        encode = hashers.MD5PasswordHasher.encode

        def counted(self: Any, password: str, salt: str) -> str:
            hashed.append(password)
            return encode(self, password, salt)

        monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", counted)
        pages, work = [], []
        for name in (mei.username, "nobody@example.org"):
            answer = Client().post("/sign-in/", {"username": name, "password": "wrong wrong wrong"})
            assert answer.status_code == 422
            page = re.sub(r'csrfmiddlewaretoken" value="\w+"', "", answer.content.decode()).replace(name, "NAME")
            pages.append(page)
            work.append(len(hashed))
        assert pages[0] == pages[1] and work == [1, 2]
        assert "The name or the password is not right." in pages[0]

    def test_capital_letters_in_an_address_do_not_matter(self, mei: User) -> None:
        answer = Client().post("/sign-in/", {"username": " Mei@Example.ORG ", "password": PASSWORD})
        assert answer["Location"] == "/family/"

    def test_23_five_wrong_passwords_close_the_door_for_half_an_hour_to_this_name_from_here(self, mei: User) -> None:
        client = Client()
        typed = {"username": mei.username, "password": "wrong wrong wrong"}
        assert [client.post("/sign-in/", typed).status_code for _try in range(5)] == [422, 422, 422, 422, 429]
        answer = client.post("/sign-in/", {"username": mei.username, "password": PASSWORD})
        assert answer.status_code == 429
        assert re.search(r"Try again in 30 minutes, at \d\d:\d\d", plain(answer))
        elsewhere = Client(REMOTE_ADDR="192.0.2.7")
        assert elsewhere.post("/sign-in/", {"username": mei.username, "password": PASSWORD}).status_code == 302

    def test_the_form_can_be_filled_by_a_password_manager_and_read_aloud(self, mei: User) -> None:
        page = Client().get("/sign-in/").content.decode()
        assert 'autocomplete="username"' in page and 'autocomplete="current-password"' in page
        assert page.count("<label") == 2 and "<script" not in page
        wrong = Client().post("/sign-in/", {"username": "x", "password": ""}).content.decode()
        assert 'aria-invalid="true"' in wrong and 'aria-describedby="id_password_error"' in wrong
        assert 'id="id_password_error"' in wrong and 'role="alert"' in wrong and 'value="x"' in wrong

    def test_27_it_takes_no_post_from_elsewhere(self, mei: User) -> None:
        strict = Client(enforce_csrf_checks=True)
        assert strict.post("/sign-in/", {"username": mei.username, "password": PASSWORD}).status_code == 403
        assert Client().get("/sign-out/").status_code == 405


class TestSession:
    def test_24_signing_in_gives_a_new_key_and_signing_out_kills_the_session_on_the_server(self, mei: User) -> None:
        client = Client()
        sign_in(mei, client)
        client.session.save()
        first = client.session.session_key
        sign_in(mei, client)
        second = client.session.session_key
        assert first != second and not Session.objects.filter(session_key=first).exists()
        cookie = client.cookies["sessionid"].value
        client.post("/sign-out/")
        stolen = Client()
        stolen.cookies["sessionid"] = cookie
        assert stolen.get("/family/").status_code == 302
        assert SignIn.objects.filter(user=mei, end="signed_out").count() == 2

    @pytest.mark.parametrize(("role", "idle"), [("clerk", 900), ("", 3600)])
    def test_24_it_rests_for_a_while_only_and_never_lasts_beyond_its_limit(
        self, school: Organization, mei: User, settings: Any, role: str, idle: int
    ) -> None:
        user, page = (staff(school, role, "carl"), "/console/") if role else (mei, "/family/")
        client = sign_in(user).browser
        assert client.get(page).status_code == 200
        assert idle - 5 <= client.session.get_expiry_age() <= idle
        session = client.session
        session["began"], session["seen"] = int(time.time()) - 12 * 3600 + 100, 0
        session.save()
        assert client.get(page).status_code == 200
        assert client.session.get_expiry_age() <= 100
        session = client.session
        session["began"], session["seen"] = int(time.time()) - 12 * 3600, 0
        session.save()
        assert client.get(page).status_code == 302

    def test_a_new_device_is_told_by_mail_and_a_known_one_is_not(self, mei: User) -> None:
        client = Client(HTTP_USER_AGENT="Mozilla/5.0 (iPhone; CPU iPhone OS 19) AppleWebKit Version/19 Safari/604")
        sign_in(mei, client)
        sign_in(mei, client)
        assert letters(mei) == []
        sign_in(mei, Client(HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"))
        assert letters(mei) == ["new_device"]
        rows = SignIn.objects.filter(user=mei)
        assert rows.values("device_hash").distinct().count() == 2

    def test_R169_where_from_is_written_down(self, mei: User) -> None:
        sign_in(mei, Client(REMOTE_ADDR="192.0.2.9", HTTP_USER_AGENT="x" * 400))
        row = SignIn.objects.get(user=mei)
        assert (row.address, len(row.user_agent), row.proven_at) == ("192.0.2.9", 255, None)


class TestSecondStep:
    def test_the_password_alone_opens_nothing_once_there_is_an_authenticator(self, mei: User) -> None:
        with_app(mei)
        answer = sign_in(mei, next="/family/methods/")
        assert answer["Location"] == "/sign-in/code/"
        client = answer.browser
        assert client.get("/family/").status_code == 302
        assert 'autocomplete="one-time-code"' in client.get("/sign-in/code/").content.decode()
        done = client.post("/sign-in/code/", {"code": code_of(mei)})
        assert done["Location"] == "/family/methods/" and client.get("/family/").status_code == 200
        assert SignIn.objects.get(user=mei).proven_at is not None

    def test_22_a_code_is_used_once(self, mei: User) -> None:
        with_app(mei)
        code = code_of(mei)
        first, second = sign_in(mei).browser, sign_in(mei).browser
        assert first.post("/sign-in/code/", {"code": code}).status_code == 302
        again = second.post("/sign-in/code/", {"code": code})
        assert again.status_code == 422 and "used already" in plain(again)

    @pytest.mark.parametrize(("later", "status"), [(-2, 422), (-1, 302), (1, 302), (2, 422)])
    def test_a_clock_may_be_half_a_minute_wrong(self, mei: User, later: int, status: int) -> None:
        with_app(mei)
        assert sign_in(mei).browser.post("/sign-in/code/", {"code": code_of(mei, later)}).status_code == status

    def test_wrong_codes_make_the_next_try_wait_and_say_until_when(self, mei: User) -> None:
        with_app(mei)
        client = sign_in(mei).browser
        wrong = f"{(int(code_of(mei)) + 500_000) % 1_000_000:06}"
        assert client.post("/sign-in/code/", {"code": wrong}).status_code == 422
        held = client.post("/sign-in/code/", {"code": code_of(mei)})
        assert held.status_code == 422 and re.search(r"Try again in \d+ seconds", plain(held))
        assert "A moment ago a wrong code was typed" in plain(held)

    def test_the_second_step_is_open_for_five_minutes_and_ends_with_a_new_password(self, mei: User) -> None:
        with_app(mei)
        client = sign_in(mei).browser
        session = client.session
        session["pending"] = session["pending"] | {"at": int(time.time()) - 301}
        session.save()
        assert client.post("/sign-in/code/", {"code": code_of(mei)})["Location"] == "/sign-in/"
        client = sign_in(mei).browser
        mei.set_password("something else entirely 1")
        mei.save()
        assert client.post("/sign-in/code/", {"code": code_of(mei)})["Location"] == "/sign-in/"

    def test_24_a_session_cannot_hide_behind_the_first_step_of_another_login(self, mei: User, school: Any) -> None:
        thief = parent(school, "bo@example.org")
        with_app(thief)
        stolen, owner = sign_in(mei).browser, sign_in(mei).browser
        assert sign_in(thief, stolen)["Location"] == "/sign-in/code/"
        assert stolen.get("/family/").status_code == 200
        assert owner.post("/account/sessions/end/", {"which": "others"}).status_code == 302
        assert (stolen.get("/family/").status_code, owner.get("/family/").status_code) == (302, 200)

    def test_15_without_the_first_step_there_is_no_second(self, mei: User) -> None:
        with_app(mei)
        assert Client().post("/sign-in/code/", {"code": code_of(mei)})["Location"] == "/sign-in/"
