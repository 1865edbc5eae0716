"""Billing runs at the console: prepared, looked at, changed, let go out, told what became of each (R52)."""

import csv
import re
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest

from billing.admin.runs import run_page
from billing.models import BillingRun, Charge, Customer, Installment, Invoice
from billing.models.installment import ChargeKind
from billing.office import clock
from billing.office.models import ApprovalRequest, Organization
from tests import builders
from tests.agreements import agreement
from tests.billing.runs.cast import bill, charge, monthly, prepared, shared, void
from tests.builders import NOW, TODAY
from tests.console_desk import Desk, desk


@pytest.fixture(autouse=True)
def _now(monkeypatch: Any) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization("school")


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school, "Ada")


@pytest.fixture
def supervisor(school: Organization) -> Desk:
    return desk(school, "supervisor")


def shown_hash(at: Desk, run: BillingRun) -> str:
    """What the page that lets a run go out has in its form."""
    found = re.search(r'name="shown_hash" value="(\w{64})"', at.get(f"runs/{run.pk}/approve/").content.decode())
    assert found is not None
    return found[1]


class TestRuns:
    def test_an_empty_list_says_how_the_first_run_comes_about(self, supervisor: Desk) -> None:
        page = supervisor.see("runs/")
        assert "Nothing is due to be billed by then." in page
        assert "No run yet. The first one comes about when a period is due" in page

    def test_it_says_what_a_run_would_bill(self, supervisor: Desk, ada: Customer) -> None:
        charge(monthly(ada), "5.00")
        page = supervisor.see("runs/")
        assert "Periods US$90.00 1 period Charges besides US$5.00 1 charge" in page

    def test_R52_a_run_is_prepared_and_shown(self, supervisor: Desk, school: Organization, ada: Customer) -> None:
        monthly(ada)
        page = supervisor.follow("runs/", kind="regular", until=TODAY.isoformat())
        run = BillingRun.objects.get()
        assert (run.made_by, run.state) == (supervisor.user, "preview")
        assert f"{run.number} · US$90.00" in page
        assert f"Run {run.number} is open to look at." in supervisor.see("runs/")

    @pytest.mark.parametrize(
        ("typed", "told"),
        [
            ({"until": "soon"}, "Write the date as 2026-02-03"),
            ({"kind": "other"}, "Choose one of the list."),
            ({"until": "2026-03-11"}, "There is nothing to bill up to 2026-03-11."),
        ],
    )
    def test_a_refusal_stands_at_its_field(
        self, supervisor: Desk, ada: Customer, typed: dict[str, str], told: str
    ) -> None:
        monthly(ada)
        answer = supervisor.post("runs/", 422, **{"kind": "regular", "until": "2026-03-12", **typed})
        assert told in answer.content.decode()
        assert not BillingRun.objects.exists()

    @pytest.mark.parametrize(("role", "status"), [("clerk", 200), ("accountant", 200), ("platform_admin", 403)])
    def test_who_manages_agreements_may_look(self, school: Organization, role: str, status: int) -> None:
        desk(school, role).get("runs/", status)

    def test_a_clerk_prepares_none(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        clerk = desk(school, "clerk")
        assert "Prepare a run" not in clerk.see("runs/")
        clerk.post("runs/", 200, kind="regular", until=TODAY.isoformat())
        assert not BillingRun.objects.exists()


class TestRun:
    def test_every_bill_opens_its_lines_and_says_why_it_is_odd(
        self, supervisor: Desk, school: Organization, ada: Customer
    ) -> None:
        monthly(ada)
        run = prepared(school)
        page = supervisor.see(f"runs/{run.pk}/")
        assert "First bill of this agreement." in page
        assert "Tuition US$90.00 Your share of it is 100 %." in page
        assert "Issue 1 invoice, US$90.00" in page

    def test_bills_are_shown_by_what_is_asked(self, supervisor: Desk, school: Organization, ada: Customer) -> None:
        monthly(ada)
        bill(school)
        monthly(ada, "91.00", period_start=TODAY)
        monthly(builders.customer(school, "Ben"), "70.00")
        run = prepared(school)
        assert "US$70.00" not in supervisor.see(f"runs/{run.pk}/?q=ada").split("Bills")[-1]
        assert "US$70.00" in supervisor.see(f"runs/{run.pk}/?show=odd")
        assert "No bill of this run is like that." in supervisor.see(f"runs/{run.pk}/?show=refused")

    def test_it_is_paged(
        self, supervisor: Desk, school: Organization, ada: Customer, monkeypatch: Any,
    ) -> None:  # fmt: skip
        monkeypatch.setattr(run_page, "PER_PAGE", 2)
        for _n in range(3):
            monthly(ada)
        run = prepared(school)
        assert "1–2 of 3 Next page" in supervisor.see(f"runs/{run.pk}/")
        assert "3–3 of 3 Previous page" in supervisor.see(f"runs/{run.pk}/?page=2")

    def test_the_number_of_queries_does_not_grow_with_the_bills(
        self, supervisor: Desk, school: Organization, ada: Customer, django_assert_max_num_queries: Any
    ) -> None:
        for _n in range(20):
            monthly(ada)
        run = prepared(school)
        with django_assert_max_num_queries(22):
            supervisor.get(f"runs/{run.pk}/")

    def test_the_download_has_every_bill(self, supervisor: Desk, school: Organization, ada: Customer) -> None:
        ada.name = "=cmd()"
        ada.save()
        monthly(ada)
        run = bill(school).run
        answer = supervisor.get(f"runs/{run.pk}/csv/")
        (row,) = csv.DictReader(StringIO(answer.content.decode("utf-8-sig")))
        assert (row["amount"], row["state"], row["unusual"]) == ("90.00", "billed", "first")
        assert (row["customer_name"], row["document"]) == ("'=cmd()", Invoice.objects.get().number)

    def test_of_another_organization_it_is_not_there(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        run = prepared(school)
        stranger = desk(builders.organization("other"), "supervisor")
        for path in ("", "csv/", "cancel/", "approve/", f"bills/{run.items.get().pk}/leave-out/"):
            stranger.get(f"runs/{run.pk}/{path}", 404)


class TestDeeds:
    def test_a_bill_is_left_out_with_a_reason_and_taken_in_again(
        self, supervisor: Desk, school: Organization, ada: Customer
    ) -> None:
        monthly(ada)
        run = prepared(school)
        path = f"runs/{run.pk}/bills/{run.items.get().pk}/"
        assert "Leave out US$90.00 of Ada" in supervisor.see(path + "leave-out/")
        supervisor.post(path + "leave-out/", 422, reason=" ")
        assert "1 bill is left out." in supervisor.follow(path + "leave-out/", reason="moves away")
        assert "moves away" in supervisor.see(f"runs/{run.pk}/?show=excluded")
        assert "It is billed after all." in supervisor.follow(path + "take-in/")
        assert run.items.get().state == "planned"

    def test_prepared_anew_it_shows_what_is_so_now(self, supervisor: Desk, school: Organization, ada: Customer) -> None:
        of = monthly(ada)
        run = prepared(school)
        charge(of, "5.00")
        assert f"{run.number} · US$95.00" in supervisor.follow(f"runs/{run.pk}/refresh/")
        Installment.objects.update(state="cancelled")
        Charge.objects.update(state="cancelled")
        assert "There is nothing to bill up to 2026-03-12." in supervisor.follow(f"runs/{run.pk}/refresh/")

    def test_cancelled_it_bills_nothing(self, supervisor: Desk, school: Organization, ada: Customer) -> None:
        monthly(ada)
        run = prepared(school)
        page = supervisor.follow(f"runs/{run.pk}/cancel/", reason="wrong month")
        assert "Cancelled. Nothing was billed." in page and "wrong month" in page
        supervisor.post(f"runs/{run.pk}/cancel/", 422, reason="again")

    def test_alone_it_goes_out_at_once_where_no_second_person_is_asked_for(
        self, supervisor: Desk, school: Organization, ada: Customer
    ) -> None:
        monthly(ada)
        run = prepared(school)
        assert "Issue 1 invoice, US$90.00" in supervisor.see(f"runs/{run.pk}/approve/")
        page = supervisor.follow(f"runs/{run.pk}/approve/", shown_hash=shown_hash(supervisor, run))
        invoice = Invoice.objects.get()
        assert "1 invoices and 0 credit memos issued, 0 bills refused." in page
        assert invoice.number in page
        supervisor.post(f"runs/{run.pk}/approve/", 422)

    def test_what_goes_out_alone_is_what_was_looked_at(
        self, supervisor: Desk, school: Organization, ada: Customer
    ) -> None:
        of = monthly(ada)
        run = prepared(school)
        looked_at = shown_hash(supervisor, run)
        charge(of, "5.00")
        supervisor.post(f"runs/{run.pk}/refresh/")
        answer = supervisor.post(f"runs/{run.pk}/approve/", 422, shown_hash=looked_at)
        assert "Something changed since this was shown" in answer.content.decode()
        supervisor.post(f"runs/{run.pk}/approve/", 422)
        assert not Invoice.objects.exists()
        supervisor.post(f"runs/{run.pk}/approve/", shown_hash=shown_hash(supervisor, run))
        assert Invoice.objects.get().invoiced_amount == Decimal("95.00")

    def test_invariant_37_a_second_person_approves_and_the_run_goes_out(
        self, supervisor: Desk, school: Organization, ada: Customer
    ) -> None:
        builders.policy(school, "billing.needs_approval", True)
        monthly(ada)
        charge(agreement(ada), "-5.00", kind=ChargeKind.ADJUSTMENT)
        run = prepared(school)
        words = "Ask to issue 1 invoice and 1 credit memo, US$85.00"
        assert words in supervisor.see(f"runs/{run.pk}/approve/")
        supervisor.post(f"runs/{run.pk}/approve/", reason="looked through")
        asked = ApprovalRequest.objects.get()
        manager = desk(school, "manager")
        page = manager.see(f"approvals/{asked.pk}/")
        assert "US$90.00" in page and run.number in page and asked.shown["content_hash"] not in page
        decision: dict[str, Any] = {"decision": "approve", "shown_hash": asked.shown_hash, "reason": ""}
        supervisor.post(f"approvals/{asked.pk}/", 422, **decision)
        assert "Its invoices are issued within a minute." in manager.follow(f"approvals/{asked.pk}/", **decision)
        assert "Issue 2 bills now" in manager.see(f"runs/{run.pk}/")
        assert "1 invoices and 1 credit memos issued" in manager.follow(f"runs/{run.pk}/carry-out/")
        assert Invoice.objects.count() == 1

    def test_who_looks_only_changes_nothing(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        run = prepared(school)
        clerk = desk(school, "clerk")
        assert "Leave out" not in clerk.see(f"runs/{run.pk}/")
        for path in ("refresh/", "carry-out/", "cancel/", "approve/"):
            clerk.post(f"runs/{run.pk}/{path}", 403)


class TestElsewhere:
    def test_an_invoice_names_the_run_and_the_period_that_billed_it(
        self, supervisor: Desk, school: Organization, ada: Customer
    ) -> None:
        of = monthly(ada)
        run = bill(school).run
        page = supervisor.see(f"invoices/{Invoice.objects.get().pk}/")
        assert f"Agreement {of.number}" in page and run.number in page
        assert "Bill this period again" not in page

    def test_an_agreement_shows_its_bills_and_a_voided_period_is_billed_again(
        self, supervisor: Desk, school: Organization, ada: Customer
    ) -> None:
        of = monthly(ada)
        assert "Nothing was billed yet." in supervisor.see(f"agreements/{of.pk}/")
        bill(school)
        invoice = void(Invoice.objects.get())
        assert invoice.number in supervisor.see(f"agreements/{of.pk}/")
        assert "Bill this period again" in supervisor.see(f"invoices/{invoice.pk}/")
        path = f"installments/{Installment.objects.get().pk}/plan-again/"
        assert "Plan US$90.00 again" in supervisor.see(path)
        supervisor.post(path, 422, reason="")
        assert "Planned again." in supervisor.follow(path, reason="wrong invoice, right period")
        assert Installment.objects.get().state == "planned"

    def test_something_is_charged_once_and_taken_back(self, supervisor: Desk, ada: Customer) -> None:
        of = agreement(ada)
        path = f"agreements/{of.pk}/charge/"
        form: dict[str, Any] = {"text": "Recital", "amount": "25.00", "on": "2026-03-12", "bill_on": "", "tax_code": "",
                "request_key": "k1"}  # fmt: skip
        assert "Charge once" in supervisor.see(f"agreements/{of.pk}/")
        answer = supervisor.post(path, 422, **{**form, "amount": "free"})
        assert "Recital" in answer.content.decode()
        assert "Charged: Recital." in supervisor.follow(path, **form)
        supervisor.post(path, **form)
        made = Charge.objects.get()
        assert "Take back Recital (US$25.00)" in supervisor.see(f"charges/{made.pk}/take-back/")
        supervisor.post(f"charges/{made.pk}/take-back/", 422, reason="")
        assert "it is not billed" in supervisor.follow(f"charges/{made.pk}/take-back/", reason="typed twice")

    def test_those_who_only_read_agreements_charge_nothing(self, school: Organization, ada: Customer) -> None:
        of = agreement(ada)
        shared(of, (ada, "1"))
        accountant = desk(school, "accountant")
        assert "Charge once" not in accountant.see(f"agreements/{of.pk}/")
        accountant.post(f"agreements/{of.pk}/charge/", 403)
