"""R149: subscriptions, invoices, payments, customers here beside Zoho's; what differs is flagged, nothing guessed."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from billing.models import Invoice
from billing.office.models import Notice
from payments.gateways.zoho.gate import forget_gates
from payments.models import ZohoInvoice, ZohoPayment, ZohoSubscription
from reconciliation.models import ZohoComparison, ZohoDiscrepancy
from reconciliation.services.zoho.comparing import compare_due, windows_until
from tests.assertions import assert_books_whole
from tests.commands import run
from tests.payments.gateways.zoho.desk import BANK
from tests.payments.zoho.cast import Scene
from tests.reconciliation.zoho.cast import compared, open_ones, remote, standing, the_one, untold


class TestAgreeing:
    def test_R149_what_was_told_agrees_and_is_counted(self, scene: Scene) -> None:
        scene.subscribed()
        done = compared(scene)
        assert (done.state, done.next_at, standing()) == ("complete", None, [])
        assert (done.subscriptions, done.invoices, done.payments, done.customers) == (1, 1, 1, 1)
        assert done.units_done == 10
        assert_books_whole()

    def test_R149_once_a_day_of_the_organization_and_by_command(self, scene: Scene) -> None:
        scene.subscribed()
        assert [compare_due(now=scene.now), compare_due(now=scene.now)] == [1, 0]
        assert compare_due(now=scene.now + timedelta(hours=14)) == 1
        ran = run("compare_zoho", "--organization", scene.school.code, "--as-of", "2026-03-12")
        assert ran.code == 0 and "complete, 1 subscriptions, 1 invoices, 1 payments, 1 customers, 0 differ" in ran.out
        assert ZohoComparison.objects.count() == 2

    def test_R149_the_stretches_of_days_leave_none_out(self) -> None:
        found = list(windows_until(date(2026, 3, 12)))
        assert found[-1][1] == date(2026, 3, 12)
        assert all(later[0] - earlier[1] == timedelta(days=1) for earlier, later in pairwise(found))

    def test_R149_what_is_of_nobody_we_know_is_not_ours_to_judge(self, scene: Scene) -> None:
        scene.subscribed()
        other = scene.at.gateway().billing.make_customer("theirs", "Somebody else", "else@example.com", "USD")
        assert other.id
        done = compared(scene)
        assert (done.customers, standing()) == (1, [])


class TestLag:
    def test_R149_what_was_just_seen_waits_a_quarter_of_an_hour_and_is_flagged_once(self, scene: Scene) -> None:
        link = scene.subscribed()
        untold(scene, link)
        scene.at.zoho.do("renew_now")
        done = compared(scene)
        assert {state for _kind, state in standing()} == {"seen"}
        assert done.next_at == scene.now + timedelta(minutes=15)
        compared(scene, 14.9)
        assert {state for _kind, state in standing()} == {"seen"} and not Notice.objects.filter(kind="zoho_differs")
        compared(scene, 0.1)
        assert standing() == [("invoice_not_here", "open"), ("payment_not_here", "open")]
        compared(scene, 15)
        assert Notice.objects.filter(kind="zoho_differs").count() == 2
        assert ZohoDiscrepancy.objects.count() == 2

    def test_R150_what_a_webhook_brings_meanwhile_is_no_difference(self, scene: Scene) -> None:
        link = scene.subscribed()
        untold(scene, link)
        told = len(scene.at.told())
        scene.at.zoho.do("renew_now")
        compared(scene)
        assert standing()
        scene.hear(scene.at.told()[told:])
        compared(scene, 15)
        assert standing() == [] and not Notice.objects.filter(kind="zoho_differs")
        assert_books_whole()

    def test_R149_a_bank_debit_that_books_still_calls_open_is_expected_for_fifteen_days(self, scene: Scene) -> None:
        link = scene.subscribed(BANK)
        scene.later(days=7)
        scene.read(link)
        invoice = scene.at.zoho.invoices[remote()]
        invoice.paid, invoice.status = 0, "sent"  # as Books has it meanwhile
        assert ZohoPayment.objects.get().mode in ("ach", "banktransfer_ach", "bankaccount", "autotransaction")
        first = open_ones(scene)
        scene.clock.advance(days=15)
        assert ("invoice_state", "open") not in first
        assert ("invoice_state", "open") in open_ones(scene)


class TestDiffering:
    def test_R149_a_subscription_that_was_cancelled_untold(self, scene: Scene) -> None:
        link = scene.subscribed()
        untold(scene, link)
        scene.at.zoho.do("cancel_in_zoho")
        assert open_ones(scene) == [("subscription_state", "open")]
        row = the_one()
        assert (row.ours["state"], row.theirs["state"], row.subscription) == ("live", "cancelled", link)
        assert row.customer == scene.ada

    def test_F55_an_invoice_of_another_total_is_a_difference_and_nothing_is_overwritten(self, scene: Scene) -> None:
        scene.subscribed()
        scene.at.zoho.invoices[remote()].items[0].price = 12_000
        scene.at.zoho.invoices[remote()].paid = 12_000
        assert ("invoice_total", "open") in open_ones(scene)
        assert Invoice.objects.get(zoho__isnull=False).invoiced_amount == Decimal(100)
        row = ZohoDiscrepancy.objects.get(kind="invoice_total")
        assert (row.amount, row.ours["total"], row.theirs["total"]) == (Decimal(20), "100.00", "120.00")
        assert_books_whole()

    def test_R149_what_only_one_side_has(self, scene: Scene) -> None:
        scene.subscribed()
        ids = scene.at.zoho
        key = remote()
        ids.invoices.pop(key)
        for payment in ids.payments.values():
            payment.applied.pop(key, None)
        paid = ZohoPayment.objects.get()
        ids.payments.pop(paid.remote_id)
        found = open_ones(scene)
        assert found == [("invoice_not_there", "open"), ("payment_not_there", "open")]
        assert_books_whole()

    def test_R149_a_name_or_address_that_differs(self, scene: Scene) -> None:
        scene.subscribed()
        scene.ada.email = "new@example.com"
        scene.ada.save()
        assert open_ones(scene) == [("customer", "open")]
        assert the_one().ours["e-mail"] == "new@example.com"


FAULTS = ("error_before", "html", "empty", "garbled", "rate_limit")


class TestUnreadable:
    @pytest.mark.parametrize("kind", FAULTS)
    def test_F55_what_cannot_be_read_is_incomplete_backs_off_and_judges_nothing(self, scene: Scene, kind: str) -> None:
        link = scene.subscribed()
        untold(scene, link)
        scene.at.zoho.faults.add(kind, path="/books/v3/invoices", times=None)
        done = compared(scene)
        assert (done.state, done.units_done, done.finished_at, standing()) == ("incomplete", 2, None, [])
        assert done.next_at is not None and done.next_at >= scene.now + timedelta(minutes=5)
        assert (done.subscriptions, done.customers, done.invoices) == (1, 1, 0)
        scene.at.zoho.faults.clear()
        forget_gates()
        done = compared(scene)
        assert (done.state, done.tries, done.trouble, done.invoices) == ("complete", 0, "", 1)
        assert (done.subscriptions, done.units_done) == (1, 10)  # gone on with, not begun anew
        assert_books_whole()

    def test_F55_a_whole_day_without_zoho(self, scene: Scene) -> None:
        scene.subscribed()
        scene.at.zoho.faults.add("error_before", path="", times=None)
        waits = []
        for _ in range(4):
            done = compared(scene)
            assert done.next_at is not None
            waits.append(done.next_at - scene.now)
        assert waits == [timedelta(minutes=m) for m in (5, 15, 60, 60)]
        assert run("compare_zoho").code == 1
        assert standing() == []

    def test_R149_long_lists_are_read_page_by_page(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        from payments.gateways.zoho import line

        scene.subscribed()
        for _ in range(3):
            scene.later(days=31)
            scene.hear()
        monkeypatch.setattr(line, "PER_PAGE", 2)
        done = compared(scene)
        assert (done.state, done.invoices, done.payments, standing()) == ("complete", 4, 4, [])
        assert ZohoInvoice.objects.count() == 4

    def test_43_many_at_once_find_it_once(self, scene: Scene, run_in_threads: Any) -> None:
        link = scene.subscribed()
        untold(scene, link)
        scene.at.zoho.do("cancel_in_zoho")
        from reconciliation.services.zoho.comparing import compare_zoho

        work = lambda _n: compare_zoho(account=scene.account, as_of=scene.now.date(), now=scene.now)  # noqa: E731
        outcomes = run_in_threads(work, 3)
        assert not outcomes.errors
        assert standing() == [("subscription_state", "seen")]
        assert ZohoSubscription.objects.get().status == "live"
