"""Invitations end to end: sent by the office, accepted once, by a new login or one that there is."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection, transaction
from django.test import Client

from billing.models import Customer, Invitation
from billing.office import clock
from billing.office.accounts.links import LinkIsOver
from billing.office.models import AuditEntry, Notice, Organization, User
from billing.office.notices import send_due_notices
from billing.services import inviting
from tests import builders
from tests.agreements import provider
from tests.billing.pages.accounts.cast import NEW, link_in, parent, plain, sign_in, staff
from tests.console_desk import Desk

pytestmark = pytest.mark.django_db
NEWCOMER = {"name": "Mei Lin", "language": "zh-hant", "password": NEW, "again": NEW}
OVER = "This link does not work, or no longer"


@pytest.fixture
def school() -> Organization:
    return builders.organization(name="Allegro")


@pytest.fixture
def desk(school: Organization) -> Desk:
    return Desk(staff(school, "clerk", "carl"))


@pytest.fixture
def lin(school: Organization) -> Customer:
    return builders.customer(school, "Lin Family", email="mei@example.org")


def invite(desk: Desk, customer: Customer, email: str = "Mei@Example.org") -> str:
    """The path of the link that was mailed."""
    desk.post(f"customers/{customer.pk}/invite/", email=email)
    return link_in("invitation")


class TestSigningUp:
    def test_an_invited_parent_makes_a_login_and_is_in(self, desk: Desk, lin: Customer) -> None:
        """End to end, from the clerk's button by the mail to the family's page."""
        desk.post(f"customers/{lin.pk}/invite/", email="Mei@Example.org")
        send_due_notices(clock.now())
        (sent,) = mail.outbox
        assert sent.to == ["mei@example.org"] and "Allegro invites you" in sent.subject
        path = sent.body.split("http://testserver")[1].split()[0]
        assert path.startswith("/invitation/")
        page = Client().get(path)
        assert (
            "Lin Family" in plain(page)
            and "carl" in plain(page)
            and 'autocomplete="new-password"' in page.content.decode()
        )
        client = Client()
        assert client.post(path, NEWCOMER)["Location"] == "/family/"
        user = User.objects.get(username="mei@example.org")
        assert (user.email, str(user), user.language) == ("mei@example.org", "Mei Lin", "zh-hant")
        assert list(user.customers.all()) == [lin] and client.get("/family/").status_code == 200
        assert Invitation.objects.get().used_by == user
        assert Client().get(path).status_code == 404
        assert "accepted" in desk.see(f"customers/{lin.pk}/")

    def test_two_parents_of_a_household_get_a_login_each(self, desk: Desk, lin: Customer) -> None:
        for email in ("mei@example.org", "bo@example.org"):
            assert Client().post(invite(desk, lin, email), NEWCOMER).status_code == 302
        assert sorted(lin.users.values_list("username", flat=True)) == ["bo@example.org", "mei@example.org"]

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"password": "short 1", "again": "short 1"}, "too short"),
            ({"password": "passwordpassword", "again": "passwordpassword1"}, "The two passwords differ."),
            ({"password": "123456789012", "again": "123456789012"}, "entirely numeric"),
            ({"password": "mei@example.org", "again": "mei@example.org"}, "too similar"),
            ({"name": ""}, "This field is required."),
            ({"name": "x\x00y"}, "Null characters are not allowed."),
        ],
    )  # fmt: skip
    def test_21_a_weak_password_or_no_name_leaves_the_link_good(
        self, desk: Desk, lin: Customer, typed: dict[str, str], said: str
    ) -> None:
        path = invite(desk, lin)
        answer = Client().post(path, NEWCOMER | {"language": "en"} | typed, headers={"accept-language": "en"})
        assert answer.status_code == 422 and said in plain(answer)
        assert not User.objects.filter(username="mei@example.org").exists()
        assert Client().get(path).status_code == 200

    def test_a_teacher_is_linked_as_the_provider(self, school: Organization) -> None:
        admin, teacher = Desk(staff(school, "school_admin", "sue")), provider(school, "Tess", code="T1")
        admin.post(f"providers/{teacher.pk}/invite/", email="tess@example.org")
        assert Client().post(link_in("invitation"), NEWCOMER).status_code == 302
        teacher.refresh_from_db()
        assert teacher.user == User.objects.get(username="tess@example.org")
        admin.post(f"providers/{teacher.pk}/invite/", email="other@example.org")
        assert Invitation.objects.count() == 1


class TestAccepting:
    def test_a_login_that_there_is_accepts_with_one_button(self, desk: Desk, lin: Customer) -> None:
        other = parent(builders.organization(), "bo@example.org")
        path = invite(desk, lin, "mei@example.org")
        client = sign_in(other).browser
        assert "You are signed in as" in plain(client.get(path))
        assert client.post(path).status_code == 302
        assert other in lin.users.all() and other.customers.count() == 2
        assert client.post(path).status_code == 404 and other.customers.count() == 2

    def test_an_address_that_has_a_login_is_sent_to_sign_in_and_back(self, desk: Desk, lin: Customer) -> None:
        mei = parent(builders.organization(), "mei@example.org")
        path = invite(desk, lin)
        page = Client().get(path)
        assert "There is a login of mei@example.org already" in plain(page)
        assert Client().post(path, NEWCOMER).status_code == 200 and mei.customers.count() == 1
        answer = sign_in(mei, next=path)
        assert answer["Location"] == path and answer.browser.post(path).status_code == 302
        assert mei.customers.count() == 2

    def test_a_login_without_any_link_may_come_in_while_it_is_invited(self, desk: Desk, lin: Customer) -> None:
        mei = parent(lin.organization, "mei@example.org")
        mei.customers.clear()
        path = invite(desk, lin)
        assert sign_in(mei, next=path)["Location"] == path


class TestLinks:
    def test_used_lapsed_withdrawn_and_unknown_links_are_one_page(
        self, desk: Desk, lin: Customer, django_assert_num_queries: Any
    ) -> None:
        used, lapsed, withdrawn = (invite(desk, lin, f"{name}@example.org") for name in ("a", "b", "c"))
        Client().post(used, NEWCOMER)
        Invitation.objects.filter(email="b@example.org").update(expires_at=clock.now())
        desk.post(f"invitations/{Invitation.objects.get(email='c@example.org').pk}/withdraw/")
        pages = set()
        for path in (used, lapsed, withdrawn, "/invitation/unknown/", f"/invitation/{'x' * 3000}/"):
            with django_assert_num_queries(1):
                answer = Client().get(path)
            pages.add((answer.status_code, plain(answer)))
        ((status, text),) = pages
        assert status == 404 and OVER in text

    def test_the_last_moment(self, desk: Desk, lin: Customer) -> None:
        path = invite(desk, lin)
        row = Invitation.objects.get()
        assert row.state_at(row.expires_at - timedelta(microseconds=1)) == "open"
        assert row.state_at(row.expires_at) == "expired"
        assert row.expires_at - row.invited_at == timedelta(days=14) and Client().get(path).status_code == 200

    def test_sent_again_the_old_link_is_dead_and_not_within_a_minute(self, desk: Desk, lin: Customer) -> None:
        old = invite(desk, lin)
        row = Invitation.objects.get()
        assert "sent a moment ago" in _follow(desk, f"invitations/{row.pk}/again/")
        Invitation.objects.update(sent_at=clock.now() - timedelta(minutes=2))
        _follow(desk, f"invitations/{row.pk}/again/")
        new = link_in("invitation")
        assert new != old
        assert (Client().get(old).status_code, Client().get(new).status_code) == (404, 200)

    def test_an_old_link_that_was_read_before_a_new_one_left_is_dead(
        self, desk: Desk, lin: Customer, monkeypatch: Any
    ) -> None:
        mei, old = parent(lin.organization, "mei@example.org"), invite(desk, lin).split("/")[2]
        stale = inviting.find_invitation(old, clock.now())
        Invitation.objects.update(sent_at=clock.now() - timedelta(minutes=2))
        _follow(desk, f"invitations/{Invitation.objects.get().pk}/again/")
        monkeypatch.setattr(inviting, "find_invitation", lambda _token, _now: stale)
        with pytest.raises(LinkIsOver), transaction.atomic():
            inviting.accept(token=old, user=mei, now=clock.now())
        assert not lin.users.exists()

    def test_no_token_lies_readable_anywhere(self, desk: Desk, lin: Customer) -> None:
        token = invite(desk, lin).split("/")[2]
        with connection.cursor() as cursor:
            cursor.execute("SELECT n::text FROM office_notice n UNION ALL SELECT i::text FROM billing_invitation i")
            kept = " ".join(row[0] for row in cursor.fetchall())
        trail = " ".join(str(entry.after) for entry in AuditEntry.objects.filter(table_name="billing_invitation"))
        assert "mei@example.org" in trail and token not in trail and token not in kept
        send_due_notices(clock.now())
        assert token in mail.outbox[0].body and Notice.objects.get(kind="invitation").link == ""


def _follow(desk: Desk, path: str) -> str:
    return plain(desk.client.get(desk.post(path)["Location"]))


@pytest.mark.django_db(transaction=True)
def test_two_who_follow_one_link_at_once_are_one(run_in_threads: Any) -> None:
    school = builders.organization(name="Allegro")
    lin = builders.customer(school, "Lin Family", email="mei@example.org")
    path = invite(Desk(staff(school, "clerk", "carl")), lin)
    users = [parent(school, f"{name}@example.org") for name in ("a", "b")]
    browsers = [sign_in(user, Client(raise_request_exception=False)).browser for user in users]
    outcome = run_in_threads(lambda index: browsers[index].post(path).status_code, 2)
    assert outcome.errors == [] and sorted(outcome.results) in ([302, 404], [302, 422])
    assert lin.users.count() == 1 and Invitation.objects.get().used_by == lin.users.get()


class TestOffice:
    def test_a_double_click_sends_one_mail(self, desk: Desk, lin: Customer) -> None:
        invite(desk, lin)
        text = _follow_invite(desk, lin, "mei@example.org")
        assert "mei@example.org is invited already" in text
        assert Notice.objects.filter(kind="invitation").count() == 1

    @pytest.mark.parametrize(
        "bad", ["", "mei", "mei@", "a@b", "x" * 250 + "@example.org", "mei@example.org\nbcc:x@y.zz"]
    )
    def test_what_is_no_address_is_refused(self, desk: Desk, lin: Customer, bad: str) -> None:
        assert "Not a valid e-mail address." in _follow_invite(desk, lin, bad)
        assert not Invitation.objects.exists()

    def test_who_has_a_login_here_is_not_invited(self, desk: Desk, school: Organization) -> None:
        mei = parent(school)
        assert "has a login here already" in _follow_invite(desk, mei.customers.get(), "MEI@example.org")

    def test_many_at_once_each_once(self, desk: Desk, school: Organization, lin: Customer) -> None:
        twin = builders.customer(school, "Bo", email="bo@example.org")
        builders.customer(school, "No address")
        stranger = builders.customer(builders.organization(), "Eve", email="eve@example.org")
        page = desk.see("customers/invite/")
        assert "Lin Family" in page and "No address" not in page and "Eve" not in page
        keys = [lin.pk, twin.pk, stranger.pk, "x", "9" * 30]
        desk.post("customers/invite/", customer=keys)
        desk.post("customers/invite/", customer=keys)
        assert sorted(Invitation.objects.values_list("email", flat=True)) == ["bo@example.org", "mei@example.org"]
        assert "Everybody with an e-mail address" in desk.see("customers/invite/")

    def test_R168_another_organizations_records_do_not_exist(self, desk: Desk, school: Organization) -> None:
        there = builders.organization()
        eve = builders.customer(there, "Eve", email="eve@example.org")
        other = Desk(staff(there, "clerk", "olaf"))
        invite(other, eve, "eve@example.org")
        row = Invitation.objects.get()
        desk.post(f"customers/{eve.pk}/invite/", 404, email="x@example.org")
        for deed in ("again", "withdraw"):
            desk.post(f"invitations/{row.pk}/{deed}/", 404)
        row.refresh_from_db()
        assert row.revoked_at is None and row.times_sent == 1

    @pytest.mark.parametrize("role", ["accountant", "finance_manager", "platform_admin"])
    def test_R167_who_keeps_no_customers_invites_nobody(self, school: Organization, lin: Customer, role: str) -> None:
        outsider = Desk(builders.user(school, role))
        outsider.post(f"customers/{lin.pk}/invite/", 403, email="x@example.org")
        outsider.post("customers/invite/", 403)
        assert not Invitation.objects.exists()


def _follow_invite(desk: Desk, customer: Customer, email: str) -> str:
    return plain(desk.client.get(desk.post(f"customers/{customer.pk}/invite/", email=email)["Location"]))
