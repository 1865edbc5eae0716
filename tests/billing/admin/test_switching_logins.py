"""Switching a login off and on: who may, whom it hits, what is written down (security list 13, 24)."""

from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from billing.errors import DomainError
from billing.models import PayLink
from billing.office import api_clients, clock
from billing.office.accounts.links import ask_for_reset
from billing.office.accounts.sign_ins import record_sign_in
from billing.office.accounts.switching import switch_off
from billing.office.models import AccountLink, AuditEntry, Organization, SignIn, User
from billing.services.pay_links import make_pay_link, path_of
from tests import builders as b
from tests.billing.api.caller import PAYMENTS
from tests.config.console.cast import person, signed_in
from tests.conftest import RunInThreads

OFF, ON = "admin:person_off", "admin:person_on"


@pytest.fixture
def org(db: None) -> Organization:
    return b.organization("here", name="Here School")


def press(client: Client, name: str, user: User, reason: str = "left the school") -> Any:
    return client.post(reverse(name, args=[user.pk]), {"reason": reason})


def noted_session(client: Client, user: User) -> SignIn:
    with transaction.atomic():
        return record_sign_in(
            user=user, session_key=client.session.session_key or "", device="d", user_agent="Browser",
            address="198.51.100.7", now=clock.now(), proven=False,
        )  # fmt: skip


def is_on(user: User) -> bool:
    return User.objects.get(pk=user.pk).is_active


def test_13_sessions_end_at_once_and_the_trail_says_who_and_why(org: Organization) -> None:
    clerk, boss = b.user(org, "clerk"), b.user(org, "school_admin")
    theirs, mine = signed_in(clerk, org), signed_in(boss, org)
    session = noted_session(theirs, clerk)
    assert theirs.get("/console/").status_code == 200
    assert "Switch this login off" in mine.get(reverse("admin:person", args=[clerk.pk])).content.decode()
    assert "ends at once" in mine.get(reverse(OFF, args=[clerk.pk])).content.decode()
    answer = press(mine, OFF, clerk)
    assert (answer.status_code, answer["Location"]) == (302, reverse("admin:person", args=[clerk.pk]))
    assert theirs.get("/console/").status_code == 302
    session.refresh_from_db()
    assert (session.end, session.session_key) == ("deactivated", None) and session.ended_at is not None
    entry = AuditEntry.objects.filter(table_name="office_user", row_id=clerk.pk).latest("id")
    assert entry.actor.startswith(f"user:{boss.pk} ") and entry.reason == "left the school"
    again = Client()
    again.post(reverse("sign_in"), {"username": clerk.username, "password": "a long enough password 1"})
    assert again.get("/console/").status_code == 302


def test_it_is_switched_on_again_with_the_roles_there_were(org: Organization) -> None:
    clerk, mine = b.user(org, "clerk"), person(org, "school_admin")
    press(mine, OFF, clerk)
    page = mine.get(reverse("admin:person", args=[clerk.pk])).content.decode()
    assert "switched off" in page and "Switch this login on" in page
    press(mine, ON, clerk, "back from leave")
    assert is_on(clerk) and signed_in(clerk, org).get("/console/").status_code == 200
    entry = AuditEntry.objects.get(table_name="office_user", reason="back from leave")
    assert entry.after is not None and entry.after["is_active"] is True


@pytest.mark.parametrize("name", [OFF, ON])
def test_a_second_click_changes_nothing(name: str, org: Organization) -> None:
    clerk, mine = b.user(org, "clerk"), person(org, "school_admin")
    if name == ON:
        press(mine, OFF, clerk)
    press(mine, name, clerk)
    before = AuditEntry.objects.count()
    page = mine.post(reverse(name, args=[clerk.pk]), {"reason": "again"}, follow=True)
    assert "It was so already" in page.content.decode()
    assert AuditEntry.objects.count() == before and is_on(clerk) == (name == ON)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 401])
def test_it_takes_a_reason(reason: str, org: Organization) -> None:
    clerk = b.user(org, "clerk")
    assert press(person(org, "school_admin"), OFF, clerk, reason).status_code == 422
    assert is_on(clerk)


def test_nobody_switches_oneself_off(org: Organization) -> None:
    boss = b.user(org, "school_admin")
    page = press(signed_in(boss, org), OFF, boss)
    assert page.status_code == 422 and "Another person must" in page.content.decode() and is_on(boss)


def test_the_last_platform_admin_stays(org: Organization) -> None:
    first, mine = b.user(org, "platform_admin"), person(org, "school_admin")
    page = press(mine, OFF, first)
    assert page.status_code == 422 and "last platform admin" in page.content.decode() and is_on(first)
    second = b.user(org, "platform_admin")
    assert press(mine, OFF, first).status_code == 302 and not is_on(first)
    assert press(mine, OFF, second).status_code == 422 and is_on(second)


@pytest.mark.parametrize("role", ["clerk", "supervisor", "manager", "finance_manager", "accountant"])
def test_R167_who_does_not_manage_users_switches_nobody(role: str, org: Organization) -> None:
    clerk = b.user(org, "clerk")
    assert press(person(org, role), OFF, clerk).status_code == 403 and is_on(clerk)


def test_R168_logins_of_another_organization_are_not_found(org: Organization) -> None:
    mine, stranger = person(org, "school_admin"), b.user(b.organization(), "clerk")
    for name in (OFF, ON):
        assert mine.get(reverse(name, args=[stranger.pk])).status_code == 404
        assert press(mine, name, stranger).status_code == 404
    assert is_on(stranger)


def test_who_works_elsewhere_too_is_switched_off_by_who_manages_users_there_as_well(org: Organization) -> None:
    there = b.organization("there")
    clerk, boss = b.user(org, "clerk"), b.user(org, "school_admin")
    b.customer(there, "Cleo").users.add(clerk)
    page = press(signed_in(boss, org), OFF, clerk)
    assert page.status_code == 422 and "another organization too" in page.content.decode() and is_on(clerk)


def test_a_familys_login_is_reached_from_its_customer_and_its_pay_links_go_on(org: Organization) -> None:
    ada, parent, mine = b.customer(org), b.user(), person(org, "school_admin")
    ada.users.add(parent)
    b.invoice(ada, "20.00")
    assert reverse("admin:person", args=[parent.pk]) in mine.get(
        reverse("admin:customer", args=[ada.pk])
    ).content.decode()  # fmt: skip
    theirs = signed_in(parent)
    assert theirs.get("/family/").status_code == 200
    with transaction.atomic():
        link = make_pay_link(customer=ada, now=clock.now(), by=None)
    assert press(mine, OFF, parent).status_code == 302
    assert theirs.get("/family/").status_code == 302
    assert Client().get(path_of(link)).status_code == 200 and PayLink.objects.get().revoked_at is None


def test_mailed_links_are_void_and_tokens_that_act_as_the_login_are_refused(org: Organization) -> None:
    clerk, boss = b.user(org, "clerk"), b.user(org, "school_admin")
    User.objects.filter(pk=clerk.pk).update(email="clerk@example.org")
    now = clock.now()
    with transaction.atomic():
        ask_for_reset(address="clerk@example.org", asked_from="", now=now, link_of=lambda token: f"/x/{token}")
        client, token = api_clients.open_client(
            organization=org, name="shop", role="clerk", expires_at=None, by=boss, now=now
        )
    headers = {"authorization": f"Bearer {token}"}
    assert Client().get(PAYMENTS, headers=headers).status_code == 200
    mine = signed_in(boss, org)
    press(mine, OFF, clerk)
    press(mine, OFF, client.user)
    assert AccountLink.objects.get().voided_at is not None
    assert Client().get(PAYMENTS, headers=headers).status_code == 401
    press(mine, ON, client.user)
    assert Client().get(PAYMENTS, headers=headers).status_code == 200


def test_two_platform_admins_who_switch_each_other_off_leave_one(run_in_threads: RunInThreads) -> None:
    org = b.organization()
    two = [b.user(org, "platform_admin"), b.user(org, "platform_admin")]

    def work(n: int) -> bool:
        with transaction.atomic():
            return switch_off(user=two[1 - n], organization=org, reason="x", now=clock.now(), by=two[n])

    done = run_in_threads(work, 2)
    codes = [error.code for error in done.errors if isinstance(error, DomainError)]
    assert len(done.results) + len(codes) == 2 and User.objects.filter(pk__in=[u.pk for u in two], is_active=True)
