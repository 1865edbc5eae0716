"""A forgotten password, a changed address: links once, the same answer for strangers, throttled (security list 26)."""

import logging
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.core.signing import Signer
from django.test import Client

from billing.office import clock
from billing.office.models import AccountLink, Notice, Organization, User
from config.logs import hide_links
from tests import builders
from tests.billing.pages.accounts.cast import NEW, PASSWORD, letters, link_in, parent, plain, sign_in, staff, with_app

pytestmark = pytest.mark.django_db
ASK = "/password/reset/"


@pytest.fixture
def school() -> Organization:
    return builders.organization()


@pytest.fixture
def mei(school: Organization) -> User:
    return parent(school)


def ask(user: User) -> str:
    Client().post(ASK, {"email": user.email.upper()})
    return link_in("password_link")


class TestForgotten:
    def test_a_new_password_by_mail_ends_every_session(self, mei: User) -> None:
        old = sign_in(mei).browser
        path = ask(mei)
        page = Client().get(path)
        assert mei.username in plain(page) and page.content.decode().count('autocomplete="new-password"') == 2
        done = Client().post(path, {"password": NEW, "again": NEW})
        assert done["Location"] == "/sign-in/" and old.get("/family/").status_code == 302
        assert sign_in(mei).status_code == 422 and sign_in(mei, password=NEW)["Location"] == "/family/"
        assert letters(mei)[:2] == ["password_link", "password_changed"]
        assert Client().post(path, {"password": NEW + "x", "again": NEW + "x"}).status_code == 404

    def test_26_the_second_factor_is_asked_for_afterwards(self, mei: User) -> None:
        with_app(mei)
        Client().post(ask(mei), {"password": NEW, "again": NEW})
        answer = sign_in(mei, password=NEW)
        assert answer["Location"] == "/sign-in/code/" and answer.browser.get("/family/").status_code == 302

    def test_nobody_is_told_whether_an_address_is_known(self, mei: User) -> None:
        pages = set()
        for email in (mei.email, "nobody@example.org"):
            answer = Client().post(ASK, {"email": email})
            assert answer.status_code == 200
            pages.add(plain(answer).replace(email, "NAME"))
        assert len(pages) == 1
        assert Notice.objects.filter(kind="password_link").count() == 1

    def test_a_weak_password_leaves_the_link_good(self, mei: User) -> None:
        path = ask(mei)
        assert "too short" in plain(Client().post(path, {"password": "short 1", "again": "short 1"}))
        assert Client().get(path).status_code == 200

    def test_a_newer_link_kills_the_older_and_an_hour_each(self, mei: User) -> None:
        first = ask(mei)
        second = ask(mei)
        assert [Client().get(path).status_code for path in (first, second)] == [404, 200]
        row = AccountLink.objects.latest("pk")
        assert row.expires_at - row.asked_at == timedelta(hours=1)
        assert row.is_open(row.expires_at - timedelta(microseconds=1)) and not row.is_open(row.expires_at)

    def test_three_an_hour_are_mailed_to_one_address_and_the_answer_stays_the_same(self, mei: User) -> None:
        texts = {plain(Client().post(ASK, {"email": mei.email})) for _time in range(5)}
        assert len(texts) == 1 and Notice.objects.filter(kind="password_link").count() == 3

    def test_twenty_an_hour_are_taken_from_one_place(self, mei: User) -> None:
        statuses = [Client().post(ASK, {"email": f"x{n}@example.org"}).status_code for n in range(21)]
        assert statuses == [200] * 20 + [429]
        answer = Client().post(ASK, {"email": mei.email})
        assert re.search(r"Try again at \d\d:\d\d \(UTC\)", plain(answer)) and letters(mei) == []
        assert Client(REMOTE_ADDR="192.0.2.8").post(ASK, {"email": mei.email}).status_code == 200

    def test_who_was_switched_off_gets_none(self, mei: User) -> None:
        path = ask(mei)
        User.objects.filter(pk=mei.pk).update(is_active=False)
        assert Client().get(path).status_code == 404
        Client().post(ASK, {"email": mei.email})
        assert Notice.objects.filter(kind="password_link").count() == 1

    def test_no_link_comes_to_rest_in_the_log(self) -> None:
        token = "A-long_token-of-43-characters-0123456789abcd"
        for path in ("invitation", "password", "account/email"):
            line = hide_links(logging, "info", {"request": f"GET /{path}/{token}/", "code": 200})
            assert line == {"request": f"GET /{path}/…/", "code": 200}
        signed = Signer(sep=".").sign("12"), Signer().sign("12:reminders"), quote(Signer().sign("notice-12"))
        for path, token in zip(("/pay/{}/of/USD/", "/messages/stop/{}/", "/webhooks/x/?k={}"), signed, strict=True):
            line = hide_links(logging, "info", {"request": f"GET {path.format(token)}"})
            assert line == {"request": f"GET {path.format('…')}"}
        for path in ("/family/pay/of/12/USD/", "/family/pay/back/precisepay/", "/password/reset/"):
            assert hide_links(logging, "info", {"request": f"GET {path}"}) == {"request": f"GET {path}"}


class TestChanging:
    def test_the_password_is_changed_with_the_old_one_and_other_sessions_end(self, mei: User) -> None:
        other, client = sign_in(mei).browser, sign_in(mei).browser
        typed = {"current": "wrong", "password": NEW, "again": NEW}
        wrong = client.post("/account/password/", typed)
        assert wrong.status_code == 422 and "That is not your password." in plain(wrong)
        assert client.post("/account/password/", typed | {"current": PASSWORD})["Location"] == "/account/"
        assert client.get("/family/").status_code == 200 and other.get("/family/").status_code == 302
        assert "password_changed" in letters(mei)
        assert "this one" in plain(client.get("/account/"))

    def test_wrong_old_passwords_are_counted_too(self, mei: User) -> None:
        client = sign_in(mei).browser
        typed = {"current": "wrong", "password": NEW, "again": NEW}
        assert [client.post("/account/password/", typed).status_code for _try in range(5)][-1] == 429

    def test_a_new_address_counts_once_confirmed_there_and_the_old_one_is_told(self, mei: User) -> None:
        client = sign_in(mei).browser
        assert client.post("/account/email/", {"email": "New@Example.org", "current": "no"}).status_code == 422
        client.post("/account/email/", {"email": "New@Example.org", "current": PASSWORD})
        mei.refresh_from_db()
        assert mei.email == "mei@example.org" and letters(mei) == ["address_asked"]
        path = link_in("address_link")
        assert Notice.objects.get(kind="address_link").recipient == "new@example.org"
        assert client.get(path).status_code == 200 and User.objects.get(pk=mei.pk).email == "mei@example.org"
        assert client.post(path).status_code == 302
        changed = User.objects.get(pk=mei.pk)
        assert (changed.email, changed.username) == ("new@example.org", "new@example.org")
        assert letters(mei)[-1] == "address_changed" and client.post(path).status_code == 404
        assert sign_in(changed)["Location"] == "/family/"

    def test_26_a_new_password_kills_the_link_to_an_address_that_a_thief_gave(self, mei: User) -> None:
        thief, owner = sign_in(mei).browser, sign_in(mei).browser
        thief.post("/account/email/", {"email": "thief@example.com", "current": PASSWORD})
        path = link_in("address_link")
        owner.post("/account/password/", {"current": PASSWORD, "password": NEW, "again": NEW})
        assert (Client().get(path).status_code, Client().post(path).status_code) == (404, 404)
        assert User.objects.get(pk=mei.pk).email == "mei@example.org"

    def test_26_a_new_address_kills_the_links_mailed_to_the_old_one(self, mei: User) -> None:
        path, client = ask(mei), sign_in(mei).browser
        client.post("/account/email/", {"email": "new@example.org", "current": PASSWORD})
        assert Client().get(path).status_code == 200
        assert client.post(link_in("address_link")).status_code == 302
        assert Client().get(path).status_code == 404

    def test_a_user_name_of_the_office_stays(self, school: Organization) -> None:
        carl = staff(school, "clerk", "carl")
        client = sign_in(carl).browser
        client.post("/account/email/", {"email": "c@example.org", "current": PASSWORD})
        client.post(link_in("address_link"))
        carl.refresh_from_db()
        assert (carl.email, carl.username) == ("c@example.org", "carl")

    def test_an_address_that_names_another_login_is_not_taken(self, mei: User, school: Organization) -> None:
        parent(school, "bo@example.org")
        client = sign_in(mei).browser
        client.post("/account/email/", {"email": "bo@example.org", "current": PASSWORD})
        answer = client.post(link_in("address_link"))
        assert answer.status_code == 422 and "There is another login of this name" in plain(answer)


class TestAccount:
    def test_it_shows_where_one_is_signed_in_and_ends_one_or_all_others(self, mei: User) -> None:
        agents = ("Mozilla/5.0 (iPhone) Safari/604", "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0", "curl")
        phone, desk, tool = (sign_in(mei, Client(HTTP_USER_AGENT=agent)).browser for agent in agents)
        text = plain(desk.get("/account/"))
        assert "Safari, iPhone" in text and "Firefox, Windows this one" in text and "an unknown device" in text
        row = mei.sign_ins.get(user_agent=agents[0])
        assert desk.post("/account/sessions/end/", {"which": row.pk}).status_code == 302
        assert phone.get("/family/").status_code == 302 and tool.get("/family/").status_code == 200
        assert desk.post("/account/sessions/end/", {"which": row.pk}).status_code == 404
        assert desk.post("/account/sessions/end/", {"which": "others"}).status_code == 302
        assert tool.get("/family/").status_code == 302 and desk.get("/family/").status_code == 200

    def test_R168_another_users_session_does_not_exist(self, mei: User, school: Organization) -> None:
        other = sign_in(bo := parent(school, "bo@example.org")).browser
        client = sign_in(mei).browser
        for which in (bo.sign_ins.get().pk, 0, "x", "", "9" * 30):
            assert client.post("/account/sessions/end/", {"which": which}).status_code == 404
        assert other.get("/family/").status_code == 200

    def test_13_a_withdrawn_role_ends_the_sessions(self, school: Organization) -> None:
        from django.db import transaction

        from billing.office.access import withdraw_role

        carl = staff(school, "clerk", "carl")
        client = sign_in(carl).browser
        with transaction.atomic():
            withdraw_role(membership=carl.memberships.get(), now=clock.now())
        assert (
            "_auth_user_id" not in Client(headers={"cookie": f"sessionid={client.cookies['sessionid'].value}"}).session
        )
        assert carl.sign_ins.get().end == "withdrawn"

    def test_name_telephone_and_language_are_ones_own(self, mei: User) -> None:
        client = sign_in(mei).browser
        typed = {
            "name": "美 Lin",
            "phone": "+1 212 555 0104",
            "language": "zh-hant",
            "is_staff": "1",
            "email": "x@y.zz",
        }
        assert client.post("/account/", typed).status_code == 302
        mei.refresh_from_db()
        assert (str(mei), mei.phone, mei.language, mei.is_staff, mei.email) == (
            "美 Lin", "+1 212 555 0104", "zh-hant", False, "mei@example.org",
        )  # fmt: skip
        assert '<html lang="zh-Hant"' in client.get("/account/").content.decode()
        assert client.post("/account/", typed | {"name": "", "language": "xx"}).status_code == 422

    def test_R168_a_stranger_signs_in_first(self) -> None:
        for page in ("", "password/", "email/"):
            assert Client().get(f"/account/{page}")["Location"].startswith("/sign-in/?next=/account/")

    def test_it_asks_few_questions_of_the_database(self, mei: User, django_assert_max_num_queries: Any) -> None:
        client = sign_in(mei).browser
        client.get("/account/")
        with django_assert_max_num_queries(12):
            client.get("/account/")
