"""Tokens: who may call, and that a refusal tells a stranger nothing."""

import hashlib
from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.test import Client

from billing.errors import BadInput
from billing.office.access import withdraw_role
from billing.office.api_clients import revoke_client
from billing.office.machines import issue_token
from billing.office.models import ApiClient, AuditEntry, Membership
from tests import builders
from tests.billing.api.caller import PAYMENTS, Caller, payment
from tests.builders import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


def get(**headers: str):
    return Client().get(PAYMENTS, headers=headers)


class TestToken:
    def test_it_is_kept_as_its_hash_alone(self) -> None:
        org = builders.organization()
        client, token = issue_token(organization=org, name="POS", user=builders.user(org, "clerk"))
        assert token.startswith(f"{client.token_prefix}_") and client.token_prefix.startswith("qt_")
        kept = ApiClient.objects.filter(pk=client.pk).values().get()
        assert kept["token_hash"] == hashlib.sha256(token.encode()).hexdigest()
        assert token not in str(kept)
        assert token not in str(list(AuditEntry.objects.values()))

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Token"])
    def test_it_opens_the_door_as_bearer_or_token(self, scheme: str) -> None:
        caller = Caller(builders.organization())
        assert get(Authorization=f"{scheme} {caller.token}").status_code == 200

    def test_it_is_not_issued_to_a_parent(self) -> None:
        org = builders.organization()
        with pytest.raises(BadInput, match="does not work in this organization"):
            issue_token(organization=org, name="POS", user=builders.user(org, "parent"))

    def test_it_is_not_issued_to_staff_of_another_organization(self) -> None:
        elsewhere = builders.user(builders.organization(), "clerk")
        with pytest.raises(BadInput, match="does not work in this organization"):
            issue_token(organization=builders.organization(), name="POS", user=elsewhere)


class TestStranger:
    def test_without_a_token_is_told_how_to_come_in(self) -> None:
        got = get()
        assert got.status_code == 401
        assert got.headers["Content-Type"] == "application/problem+json"
        assert got.headers["WWW-Authenticate"].startswith("Bearer")
        assert got.json()["code"] == "not_authenticated"

    @pytest.mark.parametrize(
        "header",
        ["Bearer", "Bearer ", "Bearer qt_wrong_token", "Bearer a b", "Bearer ÿ\xff", "Basic dXNlcjpwdw==", "qt_x", ""],
    )
    def test_with_a_wrong_token_gets_401(self, header: str) -> None:
        got = get(Authorization=header)
        assert got.status_code == 401
        assert got.json()["code"] in ("bad_token", "not_authenticated")

    def test_gets_the_same_answer_for_expired_revoked_unknown_and_inactive(self) -> None:
        org = builders.organization()
        expired, revoked, inactive, closed = (Caller(org) for _ in range(4))
        other = Caller(builders.organization())
        ApiClient.objects.filter(pk=expired.record.pk).update(expires_at=NOW)
        with transaction.atomic():
            revoke_client(client=revoked.record, now=NOW)
        inactive.user.is_active = False
        inactive.user.save()
        type(org).objects.filter(pk=other.organization.pk).update(is_active=False)
        answers = {
            get(Authorization=f"Bearer {token}").content
            for token in (expired.token, revoked.token, inactive.token, other.token, closed.token + "x")
        }
        assert len(answers) == 1
        assert b"bad_token" in answers.pop()
        assert get(Authorization=f"Bearer {closed.token}").status_code == 200

    def test_a_token_holds_until_its_last_moment(self) -> None:
        caller = Caller(builders.organization())
        ApiClient.objects.filter(pk=caller.record.pk).update(expires_at=NOW + timedelta(seconds=1))
        assert caller.get("").status_code == 200

    def test_a_console_session_opens_nothing(self) -> None:
        org = builders.organization()
        browser = Client()
        browser.force_login(builders.user(org, "clerk"), backend="django.contrib.auth.backends.ModelBackend")
        assert browser.get(PAYMENTS).status_code == 401


class TestRoles:
    @pytest.mark.parametrize(
        ("role", "reads", "takes"),
        [
            ("clerk", 200, 201), ("supervisor", 200, 201), ("manager", 200, 403), ("finance_manager", 200, 403),
            ("accountant", 200, 403), ("school_admin", 200, 403), ("platform_admin", 403, 403),
        ],
    )  # fmt: skip
    def test_R167_the_acting_users_roles_rule(self, role: str, reads: int, takes: int) -> None:
        caller = Caller(builders.organization(), role)
        payer = builders.customer(caller.organization)
        assert caller.get("").status_code == reads
        got = caller.post(payment(payer))
        assert got.status_code == takes
        if takes == 403:
            assert got.json()["code"] == "not_permitted"

    def test_a_withdrawn_role_ends_with_the_next_request(self) -> None:
        caller = Caller(builders.organization())
        assert caller.get("").status_code == 200
        withdraw_role(membership=Membership.objects.get(user=caller.user), now=NOW)
        assert caller.get("").status_code == 403

    def test_R168_a_parent_is_not_served_here(self) -> None:
        caller = Caller(builders.organization())
        Membership.objects.filter(user=caller.user).update(withdrawn_at=NOW)
        Membership.objects.create(user=caller.user, organization=caller.organization, role="parent")
        assert caller.get("").status_code == 403

    def test_roles_in_another_organization_do_not_help(self) -> None:
        caller = Caller(builders.organization(), "accountant")
        Membership.objects.create(user=caller.user, organization=builders.organization(), role="clerk")
        payer = builders.customer(caller.organization)
        assert caller.post(payment(payer)).status_code == 403

    def test_a_superuser_has_no_right(self) -> None:
        caller = Caller(builders.organization(), "platform_admin")
        caller.user.is_superuser = caller.user.is_staff = True
        caller.user.save()
        assert caller.get("").status_code == 403


def test_R169_changes_are_written_down_as_the_clients() -> None:
    caller = Caller(builders.organization())
    payer = builders.customer(caller.organization)
    assert caller.post(payment(payer)).status_code == 201
    entry = AuditEntry.objects.get(table_name="payments_payment")
    assert entry.actor == f"user:{caller.user.pk} {caller.user.username}"
    assert entry.origin == f"api:{caller.record.pk} 127.0.0.1"
    assert AuditEntry.objects.filter(table_name="receipts_receipt", origin=entry.origin).count() == 1
