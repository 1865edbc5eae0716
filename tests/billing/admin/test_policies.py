"""Policies, months, people and API clients: what takes two people, what is told, what stays secret."""

import hashlib
import io
import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import reverse
from PIL import Image

from billing.admin.deeds import find_deed
from billing.errors import DomainError
from billing.ledger.models import Period
from billing.office import approvals, clock
from billing.office.models import ApiClient, ApprovalRequest, Notice, Organization, PolicySetting, User
from billing.office.policies import POLICIES, policies_for
from reconciliation.services.proving import prove_organization
from tests import builders as b
from tests.config.console.cast import person, signed_in

LIMIT = "payments.verify_above"


@pytest.fixture
def org(db: None) -> Organization:
    return b.organization("here", name="Here School")


def approve(request: ApprovalRequest, by: User) -> None:
    """As the inbox does: decide and carry out in one transaction."""
    now = clock.now()
    with transaction.atomic():
        decided = approvals.decide(request=request, approve=True, shown_hash=request.shown_hash, by=by, now=now)
        deed = find_deed(decided)
        assert deed is not None
        deed.carry_out(decided, by, now)


def ask(client: Client, key: str, **posted: Any) -> Any:
    return client.post(reverse("admin:policy", args=[key]), {"reason": "the board said so", **posted})


class TestPolicies:
    def test_R58_every_policy_is_listed_with_value_and_source(self, org: Organization) -> None:
        b.policy(org, LIMIT, "800")
        text = person(org, "manager").get(reverse("admin:policies")).content.decode()
        assert all(f"<code>{key}</code>" in text for key in POLICIES)
        row = text.partition(f"<code>{LIMIT}</code>")[2].partition("</tr>")[0]
        assert "US$800.00" in row and "this organization" in row

    def test_R170_a_limit_is_asked_for_by_one_and_set_by_another_with_history(self, org: Organization) -> None:
        fin = b.user(org, "finance_manager")
        assert ask(person(org, "manager"), LIMIT, value="1,250.50").status_code == 302
        assert policies_for(org).amount(LIMIT) is None
        request = ApprovalRequest.objects.get()
        assert (request.action, request.shown["from"], request.shown["to"]) == ("set_limits", "none", "US$1,250.50")
        approve(request, fin)
        assert policies_for(org).amount(LIMIT) == Decimal("1250.50")
        text = signed_in(fin).get(reverse("admin:policy", args=[LIMIT])).content.decode()
        assert "the board said so" in text and str(fin) in text

    def test_the_second_click_asks_nothing_new(self, org: Organization) -> None:
        client = person(org, "manager")
        for _click in range(2):
            assert ask(client, LIMIT, value="500").status_code == 302
        assert ApprovalRequest.objects.count() == 1

    @pytest.mark.parametrize(
        ("role", "key", "may"),
        [
            ("clerk", LIMIT, False), ("accountant", LIMIT, False), ("school_admin", LIMIT, False),
            ("school_admin", "receipts.terms", True), ("manager", LIMIT, True), ("manager", "receipts.terms", True),
        ],
    )  # fmt: skip
    def test_R173_who_may_ask_for_what(self, role: str, key: str, may: bool, org: Organization) -> None:
        client = person(org, role)
        assert ("Ask for approval" in client.get(reverse("admin:policy", args=[key])).content.decode()) is may
        ask(client, key, value="7")
        assert ApprovalRequest.objects.exists() is may

    @pytest.mark.parametrize(
        ("key", "value", "sentence"),
        [
            (LIMIT, "ten", "Write the amount in plain digits"),
            (LIMIT, "-5", "must not be negative"),
            (LIMIT, "1.005", "USD has 2 decimals"),
            ("approvals.valid_hours", "2.5", "A whole number"),
            ("allocation.strategy", "magic", "Select a valid choice"),
            ("payments.currencies", "XXY", "XXY is not one of the available choices"),
            ("receipts.terms", "4111 1111 1111 1111", "Do not type card numbers here"),
        ],
    )  # fmt: skip
    def test_a_bad_value_stays_in_its_field_with_the_reason(
        self, key: str, value: str, sentence: str, org: Organization
    ) -> None:
        page = ask(person(org, "manager"), key, value=value)
        assert page.status_code == 422
        assert sentence in page.content.decode() and value in page.content.decode()
        assert "the board said so" in page.content.decode()
        assert not ApprovalRequest.objects.exists()

    def test_a_reason_is_needed_and_no_change_is_no_request(self, org: Organization) -> None:
        client = person(org, "manager")
        assert "This field is required" in ask(client, LIMIT, value="5", reason="").content.decode()
        assert "how it is already" in ask(client, "allocation.strategy", value="fifo").content.decode()
        assert not ApprovalRequest.objects.exists()

    def test_an_approval_of_what_changed_meanwhile_does_nothing(self, org: Organization) -> None:
        fin = b.user(org, "finance_manager")
        ask(person(org, "manager"), LIMIT, value="500")
        b.policy(org, LIMIT, "900")
        with pytest.raises(DomainError) as refused:
            approve(ApprovalRequest.objects.get(), fin)
        assert refused.value.code == "changed_since_shown"
        assert policies_for(org).amount(LIMIT) == Decimal("900")

    def test_it_can_be_given_back(self, org: Organization) -> None:
        b.policy(org, LIMIT, "900")
        ask(person(org, "manager"), LIMIT, value="900", give_back="on")
        approve(ApprovalRequest.objects.get(), b.user(org, "finance_manager"))
        assert policies_for(org).amount(LIMIT) is None
        assert PolicySetting.objects.filter(key=LIMIT).count() == 2

    def test_several_choices_and_flags_are_read(self, org: Organization) -> None:
        fin, client = b.user(org, "finance_manager"), person(org, "school_admin")
        for key, value in (("payments.methods", ["cash", "card"]), ("payments.partial_allowed", "no")):
            assert ask(client, key, value=value).status_code == 302
            approve(ApprovalRequest.objects.get(subject=f"policy:{key}"), fin)
        book = policies_for(org)
        assert book.choices("payments.methods") == ["cash", "card"] and not book.flag("payments.partial_allowed")

    def test_an_unknown_key_is_not_found(self, org: Organization) -> None:
        assert person(org, "manager").get(reverse("admin:policy", args=["no.such"])).status_code == 404


class TestMonths:
    MONTH = date(2026, 2, 1)

    def url(self, action: str = "close_period", month: str = "2026-02") -> str:
        return reverse("admin:period_change", args=[month, action])

    def test_invariant_12_an_accountant_asks_and_a_finance_manager_closes_and_reopens(self, org: Organization) -> None:
        b.invoice(b.customer(org), "120.00")
        prove_organization(organization=org, now=clock.now())
        fin, client = b.user(org, "finance_manager"), person(org, "accountant")
        for action, state in (("close_period", "closed"), ("reopen_period", "open")):
            assert client.post(self.url(action), {"reason": "month end"}).status_code == 302
            request = ApprovalRequest.objects.get(action=action)
            assert (request.shown["entries"], request.shown["debits"]) == (1, "120.00")
            approve(request, fin)
            assert Period.objects.get(month=self.MONTH).state == state

    def test_what_was_posted_meanwhile_undoes_the_approval(self, org: Organization) -> None:
        b.invoice(b.customer(org), "120.00")
        prove_organization(organization=org, now=clock.now())
        person(org, "accountant").post(self.url(), {"reason": "month end"})
        b.invoice(b.customer(org), "80.00")
        with pytest.raises(DomainError) as refused:
            approve(ApprovalRequest.objects.get(), b.user(org, "finance_manager"))
        assert refused.value.code == "changed_since_shown"
        assert Period.objects.get(month=self.MONTH).state == "open"

    def test_the_month_still_running_and_unknown_months_cannot_be_closed(self, org: Organization) -> None:
        client = person(org, "accountant")
        today = org.today(clock.now())
        b.invoice(b.customer(org), "1.00", issued_on=today)
        page = client.post(self.url(month=f"{today:%Y-%m}"), {"reason": "x"})
        assert page.status_code == 422 and "is not over yet" in page.content.decode()
        assert client.post(self.url(month="2020-01"), {"reason": "x"}).status_code == 422
        for month, action in (("2026-13", "close_period"), ("x", "close_period"), ("2026-02", "burn")):
            assert client.get(self.url(action, month)).status_code == 404

    @pytest.mark.parametrize("role", ["clerk", "supervisor", "manager", "school_admin", "platform_admin"])
    def test_R141_others_may_not_even_ask(self, role: str, org: Organization) -> None:
        b.invoice(b.customer(org), "120.00")
        assert person(org, role).post(self.url(), {"reason": "x"}).status_code == 403

    def test_the_list_shows_figures_and_offers_only_what_can_be(self, org: Organization) -> None:
        b.invoice(b.customer(org), "120.00")
        text = person(org, "accountant").get(reverse("admin:periods")).content.decode()
        assert "US$120.00" in text and self.url() in text
        assert self.url() not in person(org, "manager").get(reverse("admin:periods")).content.decode()


class TestPeople:
    NEW = {"username": "nora", "first_name": "Nora", "last_name": "New", "email": "nora@example.org", "phone": "",
           "language": "en", "role": "clerk", "reason": ""}  # fmt: skip

    def make(self, client: Client, **changes: str) -> Any:
        return client.post(reverse("admin:person_new"), {**self.NEW, **changes})

    def test_R173_a_school_admin_makes_a_clerk_who_sets_the_password_alone(self, org: Organization) -> None:
        assert self.make(person(org, "school_admin")).status_code == 302
        nora = User.objects.get(username="nora")
        assert not nora.has_usable_password() and not nora.is_staff
        assert [m.role for m in nora.memberships.all()] == ["clerk"]
        link = re.search(r"http://testserver(\S+)", str(mail.outbox[0].body))
        assert link is not None and mail.outbox[0].to == ["nora@example.org"]
        assert Client().get(link[1], follow=True).status_code == 200
        assert not Notice.objects.filter(body__contains="welcome").exists()

    def test_a_strong_role_takes_a_second_person(self, org: Organization) -> None:
        fin = b.user(org, "finance_manager")
        self.make(person(org, "school_admin"), role="manager", reason="promoted")
        nora = User.objects.get(username="nora")
        assert not nora.memberships.exists()
        approve(ApprovalRequest.objects.get(), fin)
        assert [m.role for m in nora.memberships.all()] == ["manager"]

    def test_a_strong_role_needs_a_reason_and_nothing_is_half_done(self, org: Organization) -> None:
        page = self.make(person(org, "school_admin"), role="finance_manager")
        assert page.status_code == 422 and "A reason is needed." in page.content.decode()
        assert not User.objects.filter(username="nora").exists() and not mail.outbox

    def test_toxic_pairs_are_refused_beside_the_field(self, org: Organization) -> None:
        clerk, client = b.user(org, "clerk"), person(org, "school_admin")
        page = client.post(reverse("admin:person", args=[clerk.pk]), {"role": "manager", "reason": "x"})
        assert page.status_code == 422
        assert "One person may not be both AR clerk and manager" in page.content.decode()
        assert clerk.memberships.count() == 1 and not ApprovalRequest.objects.exists()

    def test_nobody_gives_a_role_to_oneself(self, org: Organization) -> None:
        boss = b.user(org, "school_admin")
        page = signed_in(boss).post(reverse("admin:person", args=[boss.pk]), {"role": "clerk", "reason": "x"})
        assert "Another person must give you a role." in page.content.decode()
        assert boss.memberships.count() == 1

    def test_the_checker_may_not_be_the_one_who_gains(self, org: Organization) -> None:
        first, second = b.user(org, "finance_manager"), b.user(org, "school_admin")
        signed_in(second).post(reverse("admin:person", args=[first.pk]), {"role": "manager", "reason": "x"})
        with pytest.raises(DomainError) as refused:
            approve(ApprovalRequest.objects.get(), first)
        assert refused.value.code == "own_role"

    def test_a_role_is_withdrawn_once_and_kept_in_the_record(self, org: Organization) -> None:
        clerk, client = b.user(org, "clerk"), person(org, "school_admin")
        membership = clerk.memberships.get()
        url = reverse("admin:role_withdraw", args=[clerk.pk, membership.pk])
        assert client.get(url).status_code == 405
        client.post(url)
        membership.refresh_from_db()
        first = membership.withdrawn_at
        client.post(url)
        membership.refresh_from_db()
        assert first is not None and membership.withdrawn_at == first
        assert signed_in(clerk).get("/console/").status_code == 302

    def test_people_of_another_organization_are_not_found(self, org: Organization) -> None:
        stranger = b.user(b.organization(), "clerk")
        client = person(org, "school_admin")
        membership = stranger.memberships.get()
        assert client.get(reverse("admin:person", args=[stranger.pk])).status_code == 404
        assert client.post(reverse("admin:person_link", args=[stranger.pk])).status_code == 404
        assert client.post(reverse("admin:role_withdraw", args=[stranger.pk, membership.pk])).status_code == 404

    @pytest.mark.parametrize(
        ("field", "value", "sentence"),
        [
            ("username", "no spaces please", "valid username"),
            ("email", "x@", "valid email"),
            ("role", "parent", "valid choice"),
        ],
    )
    def test_a_bad_entry_is_explained(self, field: str, value: str, sentence: str, org: Organization) -> None:
        page = self.make(person(org, "school_admin"), **{field: value})
        assert page.status_code == 422 and sentence in page.content.decode()
        assert not User.objects.filter(first_name="Nora").exists()

    @pytest.mark.parametrize("role", ["clerk", "supervisor", "manager", "accountant", "finance_manager"])
    def test_others_make_no_users(self, role: str, org: Organization) -> None:
        assert self.make(person(org, role)).status_code == 403


class TestApiClients:
    def make(self, client: Client, **changes: str) -> Any:
        return client.post(
            reverse("admin:client_new"), {"name": "Web shop", "role": "clerk", "expires_on": "", **changes}
        )

    def test_the_token_is_shown_once_and_only_its_hash_is_kept(self, org: Organization) -> None:
        client = person(org, "school_admin")
        shown = client.get(self.make(client)["Location"])
        token = re.search(r"qt_[0-9a-f]{8}_[\w-]{40,}", shown.content.decode())
        assert token is not None and shown["Cache-Control"].count("no-store")
        row = ApiClient.objects.get()
        assert (row.token_hash, row.token_prefix) == (hashlib.sha256(token[0].encode()).hexdigest(), token[0][:11])
        assert [m.role for m in row.user.memberships.all()] == ["clerk"] and not row.user.has_usable_password()
        assert client.get(reverse("admin:client_token")).status_code == 302
        for page in ("changelist", "change"):
            url = reverse(f"admin:office_apiclient_{page}", args=[row.pk] if page == "change" else [])
            assert token[0] not in client.get(url).content.decode()

    def test_a_double_click_makes_one(self, org: Organization) -> None:
        client = person(org, "school_admin")
        first, second = self.make(client), self.make(client)
        assert first["Location"] == second["Location"]
        assert ApiClient.objects.count() == 1

    def test_a_machine_gets_no_role_that_decides(self, org: Organization) -> None:
        assert self.make(person(org, "school_admin"), role="manager").status_code == 422
        yesterday = org.today(clock.now()) - timedelta(days=2)
        page = self.make(person(org, "school_admin"), expires_on=yesterday.isoformat())
        assert "must be in the future" in page.content.decode()
        assert not ApiClient.objects.exists()

    def test_it_is_revoked_at_once_and_not_by_strangers(self, org: Organization) -> None:
        client = person(org, "school_admin")
        self.make(client)
        url = reverse("admin:client_revoke", args=[ApiClient.objects.get().pk])
        assert person(b.organization(), "school_admin").post(url).status_code == 404
        assert person(org, "clerk").post(url).status_code == 403
        client.post(url)
        first = ApiClient.objects.get().revoked_at
        client.post(url)
        assert first is not None and ApiClient.objects.get().revoked_at == first


class TestOrganizationDetails:
    def test_names_change_and_money_facts_do_not(self, org: Organization) -> None:
        posted = {"name": "New Name", "currency": "INR", "time_zone": "Asia/Tokyo", "email": "a@example.org"}
        assert person(org, "school_admin").post(reverse("admin:organization_details"), posted).status_code == 302
        org.refresh_from_db()
        assert (org.name, org.currency, org.time_zone) == ("New Name", "USD", "America/New_York")

    @pytest.mark.parametrize("role", ["clerk", "accountant", "supervisor"])
    def test_others_only_read(self, role: str, org: Organization) -> None:
        client = person(org, role)
        assert client.get(reverse("admin:organization_details")).status_code == 200
        assert client.post(reverse("admin:organization_details"), {"name": "X"}).status_code == 403

    def test_a_logo_is_drawn_anew_and_others_are_refused(self, org: Organization) -> None:
        drawn = io.BytesIO()
        Image.new("RGB", (40, 20), "teal").save(drawn, "JPEG")
        client = person(org, "school_admin")
        url = reverse("admin:organization_details")
        for name, content in (("x.png", b"<svg onload=alert(1)>"), ("x.gif", b"GIF89a")):
            page = client.post(url, {"name": "N", "logo": SimpleUploadedFile(name, content)})
            assert page.status_code == 422
        upload = SimpleUploadedFile("../../evil.php.jpg", drawn.getvalue() + b"<?php tail ?>")
        assert client.post(url, {"name": "N", "logo": upload}).status_code == 302
        org.refresh_from_db()
        assert org.logo.name.startswith("logos/here") and org.logo.name.endswith(".png")
        with org.logo.open("rb") as kept:
            assert b"php" not in kept.read()
        assert client.get(reverse("admin:organization_logo"))["Content-Type"] == "image/png"


class TestMessages:
    def test_R172_a_message_given_up_is_sent_again_once(self, org: Organization) -> None:
        now = clock.now()
        notice = Notice.objects.create(
            organization=org, kind="receipt", fact="1", channel="email", recipient="a@example.org", subject="S",
            body="B", state="failed", attempts=6, next_try_at=now, queued_at=now,
        )  # fmt: skip
        url = reverse("admin:notice_retry", args=[notice.pk])
        page = reverse("admin:office_notice_change", args=[notice.pk])
        clerk = person(org, "clerk")
        assert "Send again to a@example.org" in clerk.get(page).content.decode()
        assert person(org, "accountant").post(url).status_code == 403
        assert person(b.organization(), "clerk").post(url).status_code == 404
        for _click in range(2):
            assert clerk.post(url).status_code == 302
        notice.refresh_from_db()
        assert (notice.state, notice.attempts) == ("queued", 0)
        assert "Send again" not in clerk.get(page).content.decode()


class TestAging:
    def test_R132_it_tells_any_day_and_gives_a_file(self, org: Organization) -> None:
        today = org.today(clock.now())
        issued_on, due_on = today - timedelta(days=75), today - timedelta(days=45)
        b.invoice(b.customer(org, "=Evil", code="E1"), "120.00", issued_on=issued_on, due_on=due_on)
        client = person(org, "accountant")
        text = client.get(reverse("admin:aging")).content.decode()
        assert "US$120.00" in text and "1 customer as of" in text
        before = client.get(reverse("admin:aging"), {"as_of": (today - timedelta(days=80)).isoformat()})
        assert "Nobody owed anything" in before.content.decode()
        lines = client.get(reverse("admin:aging"), {"format": "csv"}).content.decode("utf-8-sig").splitlines()
        assert lines[1] == "E1,'=Evil,USD,0.00,0.00,120.00,0.00,0.00,120.00,0.00"

    def test_a_day_that_cannot_be_is_explained(self, org: Organization) -> None:
        client = person(org, "accountant")
        later = org.today(clock.now()) + timedelta(days=1)
        for as_of, sentence in (
            (later.isoformat(), "looks back"),
            ("12/03/2026", "valid date"),
            ("1999-01-01", "2000"),
        ):
            page = client.get(reverse("admin:aging"), {"as_of": as_of})
            assert page.status_code == 422 and sentence in page.content.decode() and as_of in page.content.decode()

    def test_who_sees_no_reports_sees_no_aging(self, org: Organization) -> None:
        assert person(org, "platform_admin").get(reverse("admin:aging")).status_code == 403
