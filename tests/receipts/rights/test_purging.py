"""The nightly purge: what is older than the settings say, on the day and not before; twice does nothing more (R171)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from axes.models import AccessLog
from django.db import transaction
from django.test import override_settings

from billing.models import Customer
from billing.office.models import ApiRequest, Notice, Organization
from payments.models import GatewayExchange
from payments.services.disputes import DisputeOrder, open_dispute
from payments.services.gateway_accounts import open_gateway_account
from receipts.models import RetentionRun
from receipts.services.rights.purging import purge, purge_sign_ins, rehearse_purge
from receipts.tasks import purge_old
from tests import builders as b
from tests.assertions import assert_books_whole, reread
from tests.config.console.cast import person
from tests.receipts.rights.cast import family, tell
from tests.receipts.rights.test_erasing import chain_is_whole

NIGHT = datetime(2026, 3, 12, 7, 30, tzinfo=UTC)  # half past three in New York
FIRST = datetime(2024, 3, 1, 5, 0, tzinfo=UTC)  # midnight there, 24 months before the first of this month


@pytest.fixture
def org(db: None) -> Organization:
    made = b.organization()
    b.policy(made, "retention.is_on", True)
    return made


def due(org: Organization, kind: str, now: datetime = NIGHT) -> tuple[date | None, int, int]:
    found = next(one for one in rehearse_purge(organization=org, now=now) if one.kind == kind)
    return found.until, found.count, found.held


def runs(org: Organization, now: datetime = NIGHT) -> list[tuple[str, int, int]]:
    return [(run.kind, run.count, run.held) for run in purge(organization=org, now=now)]


class TestMessages:
    def sent(self, org: Organization, at: datetime, **details: Any) -> Notice:
        ada = b.customer(org, "Ada", email="ada@example.org", **details)
        tell(ada, f"Dear Ada {at}", at)
        Notice.objects.filter(party=ada.pk).update(state="sent", values={"name": "Ada"})
        return Notice.objects.get(party=ada.pk)

    def test_R171_the_text_goes_on_its_day_and_the_fact_stays(self, org: Organization) -> None:
        old, young = self.sent(org, FIRST - timedelta(seconds=1)), self.sent(org, FIRST)
        assert due(org, "messages") == (date(2024, 3, 1), 1, 0)
        assert runs(org) == [("messages", 1, 0)]
        reread(old, young)
        assert (old.body, old.subject, old.recipient, old.values, old.kind) == ("", "", "", {}, "note")
        assert young.body.startswith("Dear Ada")
        assert runs(org) == []
        assert RetentionRun.objects.get().until == date(2024, 3, 1)

    @pytest.mark.parametrize("state", ["queued", "unknown"])
    def test_one_that_still_waits_is_left(self, state: str, org: Organization) -> None:
        row = self.sent(org, FIRST - timedelta(days=1))
        Notice.objects.filter(pk=row.pk).update(state=state)
        assert runs(org) == []

    @pytest.mark.parametrize("months", [0, 25])
    def test_the_setting_decides(self, months: int, org: Organization) -> None:
        self.sent(org, FIRST - timedelta(days=1))
        b.policy(org, "retention.messages_months", months)
        assert runs(org) == []

    @pytest.mark.parametrize("why", ["hold", "debt", "dispute"])
    def test_what_a_hold_a_debt_or_a_dispute_needs_is_not_touched(self, why: str, org: Organization) -> None:
        row = self.sent(org, FIRST - timedelta(days=1))
        ada = Customer.objects.get(pk=row.party or 0)
        if why == "hold":
            b.policy(org, "retention.hold", True, scope="customer", scope_key=ada.pk)
        else:
            invoice = b.invoice(ada, "5.00")
            if why == "dispute":
                order = DisputeOrder(
                    amount=invoice.open_amount, reason_code="other", description="no", request_key="d",
                    invoice_id=invoice.pk,
                )  # fmt: skip
                open_dispute(organization=org, now=NIGHT, by=b.user(org, "clerk"), order=order)
        assert due(org, "messages") == (date(2024, 3, 1), 0, 1)
        assert runs(org) == [("messages", 0, 1)]
        row.refresh_from_db()
        assert row.body
        b.policy(org, "retention.hold", False, scope="customer", scope_key=ada.pk)
        assert runs(org) == ([("messages", 1, 0)] if why == "hold" else [("messages", 0, 1)])

    def test_a_school_that_is_held_as_a_whole_loses_nothing(self, org: Organization) -> None:
        row = self.sent(org, FIRST - timedelta(days=1))
        ApiRequest.objects.create(organization=org, key="old", body_hash="", status=200, answer={}, made_at=FIRST)
        b.policy(org, "retention.hold", True)
        assert runs(org) == [("messages", 0, 1), ("answers", 0, 1)]
        row.refresh_from_db()
        assert row.body
        b.policy(org, "retention.hold", False)
        assert runs(org) == [("messages", 1, 0), ("answers", 1, 0)]

    def test_another_organization_that_has_not_switched_it_on_keeps_all(self, org: Organization) -> None:
        other = b.organization()
        row = self.sent(other, FIRST - timedelta(days=1))
        assert runs(other) == [] and runs(org) == []
        row.refresh_from_db()
        assert row.body


class TestClosedCustomers:
    def closed(self, org: Organization, last: date) -> Customer:
        """Left the school; billed and paid on the day."""
        ada = b.customer(org, "Ada Lovelace", tax_id="12-3", latin_name="Ada L")
        b.invoice(ada, "10.00", issued_on=last)
        b.pay(ada, "10.00", received_on=last)
        Customer.objects.filter(pk=ada.pk).update(is_active=False, created_at=datetime(2015, 1, 1, tzinfo=UTC))
        return ada

    def test_R171_the_name_goes_after_the_years_of_the_books(self, org: Organization) -> None:
        old, young = self.closed(org, date(2018, 12, 31)), self.closed(org, date(2019, 1, 1))
        assert due(org, "customers") == (date(2019, 1, 1), 1, 0)
        assert runs(org) == [("customers", 1, 0)]
        reread(old, young)
        assert (old.name, old.latin_name, old.tax_id) == (f"Customer {old.code}", "", "")
        assert young.name == "Ada Lovelace"
        assert runs(org) == []
        assert chain_is_whole()
        assert_books_whole()

    def test_the_last_night_of_the_year_keeps_it(self, org: Organization) -> None:
        self.closed(org, date(2018, 12, 31))
        assert due(org, "customers", datetime(2026, 1, 1, 4, 59, tzinfo=UTC))[1] == 0
        assert due(org, "customers", datetime(2026, 1, 1, 5, 0, tzinfo=UTC))[1] == 1

    @pytest.mark.parametrize(("country", "years"), [("US", 7), ("TW", 10), ("IN", 8), ("DE", 10)])
    def test_each_country_has_its_years(self, country: str, years: int, db: None) -> None:
        org = b.organization(country=country)
        assert due(org, "customers", NIGHT)[0] == date(2026 - years, 1, 1)
        b.policy(org, "retention.books_years", 12)
        assert due(org, "customers", NIGHT)[0] == date(2014, 1, 1)

    def test_who_is_not_closed_stays(self, org: Organization) -> None:
        ada = self.closed(org, date(2018, 12, 31))
        Customer.objects.filter(pk=ada.pk).update(is_active=True)
        assert runs(org) == []


def test_words_exchanged_with_processors_go_after_their_months(org: Organization) -> None:
    with override_settings(GATEWAYS={"at": {"kind": "precisepay"}}), transaction.atomic():
        account = open_gateway_account(organization=org, configuration="at", now=NIGHT)
    for at in (datetime(2025, 2, 1, 4, 59, tzinfo=UTC), datetime(2025, 2, 1, 5, 0, tzinfo=UTC)):
        GatewayExchange.objects.create(gateway_account=account, method="POST", url="https://p", seconds=1, at=at)
    assert runs(org) == [("wire", 1, 0)]
    assert GatewayExchange.objects.count() == 1


def test_answers_to_other_systems_go_after_their_months(org: Organization) -> None:
    for key, at in (
        ("old", datetime(2025, 2, 1, 4, 59, tzinfo=UTC)),
        ("young", datetime(2025, 2, 1, 5, 0, tzinfo=UTC)),
    ):
        ApiRequest.objects.create(organization=org, key=key, body_hash="", status=200, answer={}, made_at=at)
    assert runs(org) == [("answers", 1, 0)]
    assert ApiRequest.objects.get().key == "young"


def test_sign_ins_go_after_the_longest_setting_of_all(org: Organization) -> None:
    for ip, at in (
        ("1.1.1.1", datetime(2025, 2, 28, 23, 59, tzinfo=UTC)),
        ("2.2.2.2", datetime(2025, 3, 1, tzinfo=UTC)),
    ):
        made = AccessLog.objects.create(username="ada", ip_address=ip, path_info="/", user_agent="")
        AccessLog.objects.filter(pk=made.pk).update(attempt_time=at)
    b.policy(b.organization(), "retention.sign_ins_months", 13)
    assert purge_sign_ins(now=NIGHT) == []
    b.policy(Organization.objects.latest("pk"), "retention.sign_ins_months", 12)
    assert [(run.kind, run.count) for run in purge_sign_ins(now=NIGHT)] == [("sign_ins", 1)]
    assert AccessLog.objects.get().ip_address == "2.2.2.2"


def test_the_job_runs_at_half_past_three_of_the_organization(org: Organization) -> None:
    TestMessages().sent(org, FIRST - timedelta(days=1))
    for minutes in (-1, 1):
        assert purge_old(NIGHT + timedelta(minutes=minutes)) == 0
    assert purge_old(NIGHT) == 1
    assert purge_old(NIGHT) == 0


def test_the_console_rehearses_before_it_is_switched_on(db: None) -> None:
    org = b.organization()
    ada = family(org, "Ada")
    Notice.objects.filter(party=ada.customer.pk).update(state="sent", queued_at=FIRST - timedelta(days=1))
    manager = person(org, "manager")
    page = manager.get("/console/retention/").content.decode()
    assert "The purge is off" in page and "texts of messages" in page
    assert Notice.objects.filter(party=ada.customer.pk).exclude(body="").exists()
    assert person(org, "clerk").get("/console/retention/").status_code == 403
    b.policy(org, "retention.is_on", True)
    purge(organization=org, now=NIGHT)
    page = manager.get("/console/retention/").content.decode()
    assert "The purge is on" in page and page.count("texts of messages") == 2
