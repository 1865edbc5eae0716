"""Fault F19 and R19: what is to be done in Zoho is done once, however unreachable it is meanwhile; nothing is lost."""

from decimal import Decimal

import pytest

from payments.models import GatewayExchange, ZohoCustomer, ZohoErrand, ZohoPayment, ZohoSubscription
from tests import builders
from tests.assertions import assert_books_whole
from tests.payments.zoho.cast import Scene


def fault(scene: Scene, kind: str, path: str, **details: object) -> None:
    scene.at.zoho.faults.add(kind, path=path, **details)  # type: ignore[arg-type]


def tended(scene: Scene, minutes: int = 30) -> None:
    """The job, once a minute."""
    for _ in range(minutes):
        scene.clock.advance(minutes=1)
        scene.tend()


LOST = ("drop_after", "hang_after", "error_after", "html", "empty", "garbled", "truncated")


@pytest.mark.parametrize("kind", (*LOST, "drop_before", "error_before", "rate_limit"))
def test_a_customer_whose_answer_was_lost_is_found_and_not_made_again(scene: Scene, kind: str) -> None:
    from payments.gateways.zoho.gate import forget_gates

    fault(scene, kind, "/customers", body="display_name", seconds=1)
    scene.begun()
    errand = ZohoErrand.objects.get()
    assert (errand.state, bool(errand.trouble)) == ("waiting", True)
    forget_gates()  # the rest after "too often" is of a clock that no test moves
    tended(scene)
    errand.refresh_from_db()
    assert errand.state == "done"
    customers = scene.at.gateway().line.ask("GET", "billing", "/customers")["customers"]
    assert [row["customer_id"] for row in customers] == [ZohoCustomer.objects.get().remote_id]
    assert len(scene.notices("zoho_subscribe")) == 1


def test_all_day_without_an_answer_and_then_done(scene: Scene) -> None:
    fault(scene, "error_before", "", times=None)
    scene.begun()
    tended(scene, 60)
    errand = ZohoErrand.objects.get()
    assert errand.state == "waiting" and 4 <= errand.tries <= 6  # 0, 1, 6, 21 minutes later, then once an hour
    scene.at.zoho.faults.clear()
    tended(scene, 61)
    errand.refresh_from_db()
    assert errand.state == "done"


def test_what_zoho_refuses_waits_for_a_person(scene: Scene) -> None:
    link = scene.begun()
    ZohoSubscription.objects.filter(pk=link.pk).update(remote_id="999")
    from functools import partial

    from billing.transactions import in_transaction
    from payments.services.zoho.errands import run_errand, try_again
    from payments.services.zoho.linking import ask_page

    errand = in_transaction(partial(ask_page, link=ZohoSubscription.objects.get(), now=scene.now, by=None))
    errand = run_errand(errand.pk, now=scene.now)
    assert (errand.state, errand.next_at) == ("person", None)
    assert len(scene.notices("zoho_for_person")) == 1
    in_transaction(partial(try_again, errand=errand, now=scene.now))
    assert run_errand(errand.pk, now=scene.now).state == "person"


class TestPaidHere:
    """What comes in here for an invoice of Zoho's is recorded there once, and Zoho no longer chases it."""

    def declined(self, scene: Scene) -> ZohoSubscription:
        link = scene.subscribed()
        scene.at.zoho.do("decline_next")
        scene.at.zoho.do("renew_now")
        scene.read(link)
        return link

    def pay(self, scene: Scene, amount: str = "100.00") -> None:
        invoice = scene.invoices[-1]
        builders.pay(scene.ada, amount, by_hand=[(invoice, amount)], now=scene.now, lookalike_reason="theirs")

    def there(self, scene: Scene) -> list[Decimal]:
        remote = ZohoCustomer.objects.get().remote_id
        found = scene.at.gateway().billing.payments(remote)
        return [one.amount for one in found if one.mode == "cash"]

    @pytest.mark.parametrize("kind", (None, *LOST, "drop_before", "error_before"))
    def test_it_is_recorded_there_once(self, scene: Scene, kind: str | None) -> None:
        link = self.declined(scene)
        if kind is not None:
            fault(scene, kind, "/payments", body="payment_mode", seconds=1)
        self.pay(scene)
        tended(scene, 15)
        assert self.there(scene) == [Decimal(100)]
        scene.read(link)
        errand = ZohoErrand.objects.get(kind="record")
        assert (errand.state, link.status) == ("done", "live")
        row = ZohoPayment.objects.get(mode="cash")
        assert (row.payment, row.recorded, row.trouble) == (None, errand.payment, "")
        assert len(scene.payments) == 2
        assert_books_whole()

    def test_not_twice_where_it_cannot_be_seen_yet(self, scene: Scene) -> None:
        """Committed, the answer lost, and for a while not to be found: it is looked for twice before that."""
        self.declined(scene)
        fault(scene, "drop_after", "/payments", body="payment_mode")
        fault(scene, "blind", "", times=None, seconds=70)
        self.pay(scene)
        tended(scene, 15)
        assert self.there(scene) == [Decimal(100)]

    def test_zoho_charged_it_meanwhile(self, scene: Scene) -> None:
        """Paid on both sides: nothing is recorded, the second payment is credit here, and a person is told."""
        link = self.declined(scene)
        scene.later(days=5)  # Zoho tries again, and it goes through
        self.pay(scene)
        tended(scene, 3)
        scene.read(link)
        errand = ZohoErrand.objects.get(kind="record")
        assert errand.state == "person" and "more_than_open" in errand.trouble
        assert self.there(scene) == []
        assert len(scene.payments) == 3
        assert scene.payments[-1].credit_item.unapplied_amount == Decimal(100)
        assert_books_whole()

    def test_what_was_written_down_in_zoho_by_hand_is_taken_in_here_and_not_recorded_again(self, scene: Scene) -> None:
        link = self.declined(scene)
        scene.at.zoho.do("record_cheque_in_zoho")
        scene.read(link)
        row = ZohoPayment.objects.get(mode="check")
        assert (row.payment, row.recorded) == (None, None) and "take the money in here" in row.trouble
        self.pay(scene)
        tended(scene, 3)
        assert self.there(scene) == []
        row.refresh_from_db()
        assert row.trouble == "" and row.recorded is not None
        assert_books_whole()


def test_a_payment_that_zoho_no_longer_has_is_for_a_person(scene: Scene) -> None:
    from tests.payments.gateways.zoho.desk import BANK

    link = scene.subscribed(BANK)
    scene.later(days=7)
    scene.read(link)
    scene.at.zoho.do("return_bank_debit", code="R10")
    scene.hear()
    row = ZohoPayment.objects.get()
    assert row.status == "failure" and "took it back" in row.trouble
    assert scene.invoices[0].zoho.trouble == "ZB-INV-000001: 0.00 open here, 100.00 at Zoho."
    assert len(scene.notices("zoho_for_person")) == 2
    assert_books_whole()


def test_nothing_secret_is_kept_of_what_was_said(scene: Scene) -> None:
    scene.subscribed()
    scene.tend()
    said = " ".join(f"{row.url} {row.asked} {row.answered}" for row in GatewayExchange.objects.all())
    settings = scene.at.settings
    assert "hostedpages" in said
    for secret in ("client_secret", "refresh_token", "webhook_secret"):
        assert settings[secret] not in said
    assert "1000." not in said.replace(settings["client_id"], "")
