"""Cash at the console: drawers and the safe through the door; whoever counts is not told what should be there (R12)."""

import re
from decimal import Decimal
from typing import Any

import pytest

from billing.office import clock
from billing.office.models import ApprovalRequest, Organization
from payments.models import Payment
from payments.models.cash import CashCount, CashMovement, CashPoint, DrawerSession
from payments.selectors.cash import drawer_expected, safe_balance
from tests import builders
from tests.assertions import assert_books_whole
from tests.console_desk import Desk, desk, plain
from tests.payments.services.tills import bank, cash_in, closed, fetch, opened, point

NOW = builders.NOW


@pytest.fixture
def school(db: None, monkeypatch: pytest.MonkeyPatch) -> Organization:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return builders.organization()


@pytest.fixture
def clerk(school: Organization) -> Desk:
    made = desk(school, "clerk")
    fetch(school, 500, made.user)
    return made


@pytest.fixture
def supervisor(school: Organization) -> Desk:
    return desk(school, "supervisor")


@pytest.fixture
def drawer(school: Organization, clerk: Desk) -> DrawerSession:
    """Drawer 1 of the clerk with 100 + 31.07 + 8.06 in it: expected 139.13, which no page adds up for them."""
    session = opened(point(school), clerk.user, 100)
    cash_in(session, "31.07", clerk.user)
    cash_in(session, "8.06", clerk.user)
    return session


EXPECTED = re.compile(r"139\.13|39\.13")


def bodies(seen: Desk, *paths: str) -> str:
    """Everything the server sent for these pages, markup included."""
    return "".join(seen.get(path).content.decode() for path in paths)


def count(**pieces: int) -> dict[str, Any]:
    return {f"count-{face.removeprefix('f').replace('_', '.')}": str(n) for face, n in pieces.items()}


class TestBlind:
    def pages(self, session: DrawerSession) -> tuple[str, ...]:
        key = session.pk
        return (
            "cash/", f"cash/drawers/{key}/", f"cash/drawers/{key}/close/", f"cash/drawers/{key}/move/", "cash/safe/",
            "cash/safe/count/", "payments/drawersession/", "payments/cashmovement/", "payments/cashpoint/",
        )  # fmt: skip

    def test_R12_no_page_tells_the_counting_clerk_what_is_expected(self, clerk, drawer) -> None:
        assert drawer_expected(drawer) == Decimal("139.13")
        assert not EXPECTED.search(bodies(clerk, *self.pages(drawer)))
        clerk.get("payments/cashcount/", status=403)

    def test_R12_nor_after_a_count_above_the_limit_before_it_is_closed(self, school, clerk, drawer) -> None:
        builders.policy(school, "cash.variance_limit", "5")
        answer = clerk.follow(f"cash/drawers/{drawer.pk}/close/", **count(f100=1))
        assert "Counted. It differs by more than one person may accept: explain it, or count again." in answer
        assert not EXPECTED.search(answer)
        assert not EXPECTED.search(bodies(clerk, *self.pages(drawer)))

    def test_R12_a_refused_count_tells_nothing_either(self, clerk, drawer) -> None:
        for wrong in ({}, {"count-20": "x"}, {"count-20": "-1"}):
            answer = clerk.post(f"cash/drawers/{drawer.pk}/close/", status=422, **wrong)
            assert not EXPECTED.search(answer.content.decode())
        assert not CashCount.objects.exists()

    def test_supervisors_are_told_but_not_of_their_own_drawer(self, school, clerk, supervisor, drawer) -> None:
        assert "US$139.13" in supervisor.see("cash/")
        assert "US$139.13" in supervisor.see(f"cash/drawers/{drawer.pk}/")
        own = opened(point(school, "Drawer 2"), supervisor.user, 100)
        cash_in(own, "0.77", supervisor.user)
        seen = bodies(supervisor, "cash/", f"cash/drawers/{own.pk}/", f"cash/drawers/{own.pk}/close/")
        assert "100.77" not in seen
        assert "100.77" not in bodies(supervisor, "payments/drawersession/", "payments/cashcount/")
        assert "139.13" not in bodies(supervisor, f"cash/drawers/{drawer.pk}/close/")

    def test_the_safe_is_told_to_supervisors_only(self, clerk, supervisor, drawer) -> None:
        assert "US$400.00" not in clerk.see("cash/safe/")
        assert "US$400.00" in supervisor.see("cash/safe/")
        assert "400.00" not in bodies(supervisor, "cash/safe/count/")


class TestDay:
    def test_R12_a_drawer_is_opened_filled_and_closed_through_the_door(self, school, clerk, supervisor) -> None:
        supervisor.post("cash/points/new/", name="Drawer 1", kind="drawer")
        place = CashPoint.objects.get()
        answer = clerk.follow(f"cash/points/{place.pk}/open/", currency="USD", **count(f50=1, f10=5))
        assert "Drawer 1 is open." in answer
        session = DrawerSession.objects.get()
        assert (session.opening_float, session.opened_by) == (100, clerk.user)
        ada = builders.customer(school, code="C1")
        assert f'name="drawer_session" value="{session.pk}"' in bodies(clerk, f"receive/?customer={ada.code}")
        taken = clerk.client.post("/console/receive/save/", {
            "customer": "C1", "amount": "20", "currency": "USD", "method": "cash", "received_on": "2026-03-12",
            "strategy": "fifo", "delivery": "none", "request_key": "k1", "drawer_session": str(session.pk),
        })  # fmt: skip
        assert taken.status_code == 200, taken.content
        assert Payment.objects.get().drawer_session == session
        answer = clerk.follow(f"cash/drawers/{session.pk}/close/", **count(f100=1, f10=1, f5=1, f1=4))
        assert "Drawer 1 is closed; the difference of −US$1.00 is posted." in answer
        assert "Expected US$120.00 Counted US$119.00 Short −US$1.00" in answer
        assert "Print the close sheet" in answer
        assert_books_whole()

    def test_cash_moves_once_however_often_the_form_is_sent(self, school, clerk, drawer) -> None:
        fields = {"kind": "to_safe", "amount": "50", "reason": "", "request_key": "one", "bank_account": ""}
        assert "Put into the safe: US$50.00." in clerk.follow(f"cash/drawers/{drawer.pk}/move/", **fields)
        clerk.post(f"cash/drawers/{drawer.pk}/move/", **fields)
        assert CashMovement.objects.filter(session=drawer).count() == 1
        answer = plain(clerk.post(f"cash/drawers/{drawer.pk}/move/", status=422, **{**fields, "amount": "51"}))
        assert "This key was already used for something else." in answer
        bank(school)
        fetched = {
            "kind": "from_bank",
            "amount": "10",
            "request_key": "two",
            "bank_account": "main",
            "reason": "change",
        }
        assert "Fetched from the bank: US$10.00." in clerk.follow(f"cash/drawers/{drawer.pk}/move/", **fetched)
        assert drawer_expected(drawer) == Decimal("99.13")

    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            ({"amount": "0"}, "The amount must be more than 0."), ({"amount": "1.005"}, "USD has 2 decimals."),
            ({"amount": ""}, "Enter an amount."), ({"kind": "refund"}, "Choose where the cash goes."),
            ({"kind": "from_bank"}, "Choose the account the cash was fetched from."),
            ({"kind": "from_safe", "amount": "400.01"}, "There is not that much in the safe."),
        ],
    )  # fmt: skip
    def test_a_movement_that_cannot_be_is_told_beside_its_field_and_stays(self, clerk, drawer, typed, sentence) -> None:
        fields = {"kind": "to_safe", "amount": "5", "request_key": "k", "bank_account": "", "reason": "stays"} | typed
        answer = clerk.post(f"cash/drawers/{drawer.pk}/move/", status=422, **fields)
        assert sentence in plain(answer)
        assert 'value="stays"' in answer.content.decode()
        assert CashMovement.objects.filter(session=drawer).count() == 0

    def test_a_wrong_count_stays_as_typed(self, clerk, drawer) -> None:
        answer = clerk.post(f"cash/drawers/{drawer.pk}/close/", status=422, **{"count-100": "1", "count-20": "x"})
        body = answer.content.decode()
        assert "Pieces of 20: a whole number is expected." in plain(answer)
        assert 'name="count-100" value="1"' in body
        assert re.search(r'name="count-20" value="x"[^>]*aria-invalid="true"', body)
        drawer.refresh_from_db()
        assert drawer.state == "open"

    def test_a_float_above_the_safe_is_refused_without_saying_what_is_there(self, school, clerk) -> None:
        place = point(school, "Drawer 9")
        answer = plain(clerk.post(f"cash/points/{place.pk}/open/", status=422, currency="USD", **count(f100=6)))
        assert "There is not that much in the safe." in answer
        assert "500.00" not in answer
        assert not DrawerSession.objects.exists()

    def test_another_clerk_may_look_but_not_touch_a_supervisor_closes_for_who_left(
        self, school, supervisor, drawer
    ) -> None:
        other = desk(school, "clerk")
        assert "Count and close" not in other.see(f"cash/drawers/{drawer.pk}/")
        for path in ("close/", "move/"):
            other.get(f"cash/drawers/{drawer.pk}/{path}", status=403)
        for path in ("again/", "explain/"):
            other.post(f"cash/drawers/{drawer.pk}/{path}", status=403)
        answer = supervisor.follow(
            f"cash/drawers/{drawer.pk}/close/", **count(f100=1, f20=1, f10=1, f5=1, f1=4, f0_10=1, f0_01=3)
        )
        assert "Drawer 1 is closed; it adds up." in answer

    def test_cash_points_are_the_supervisors_and_the_organizations(self, school, clerk, supervisor) -> None:
        clerk.get("cash/points/new/", status=403)
        place = point(school)
        answer = plain(supervisor.post("cash/points/new/", status=422, name="Drawer 1", kind="drawer"))
        assert "There is already a cash point of this name." in answer
        assert "Old one is changed." in supervisor.follow(f"cash/points/{place.pk}/", name="Old one", is_active="no")
        assert "Not in use." in clerk.see("cash/")
        elsewhere = desk(builders.organization(), "supervisor")
        elsewhere.get(f"cash/points/{place.pk}/", status=404)
        elsewhere.get(f"cash/points/{place.pk}/open/", status=404)
        theirs = opened(point(school, "B"), clerk.user)
        elsewhere.get(f"cash/drawers/{theirs.pk}/", status=404)


class TestSecondPerson:
    def test_37_a_difference_goes_to_the_inbox_and_closes_the_drawer(self, school, clerk, supervisor, drawer) -> None:
        builders.policy(school, "cash.variance_limit", "5")
        clerk.post(f"cash/drawers/{drawer.pk}/close/", **count(f100=1))
        empty = plain(clerk.post(f"cash/drawers/{drawer.pk}/explain/", status=422, reason=" "))
        assert "A reason is needed." in empty
        clerk.post(f"cash/drawers/{drawer.pk}/explain/", reason="gave 40 instead of 4 change")
        request = ApprovalRequest.objects.get()
        page = supervisor.see(f"approvals/{request.pk}/")
        for told in ("Drawer 1", "US$139.13", "US$100.00", "−US$39.13", "gave 40 instead of 4 change"):
            assert told in page
        answer = supervisor.follow(
            f"approvals/{request.pk}/", shown_hash=request.shown_hash, decision="approve", reason=""
        )
        assert "Accepted; Drawer 1 is closed." in answer
        assert safe_balance(school, "USD") == 500
        assert_books_whole()

    def test_a_rejected_difference_is_counted_again(self, school, clerk, supervisor, drawer) -> None:
        builders.policy(school, "cash.variance_limit", "5")
        clerk.post(f"cash/drawers/{drawer.pk}/close/", reason="do not know", **count(f100=1))
        request = ApprovalRequest.objects.get()
        supervisor.post(
            f"approvals/{request.pk}/", shown_hash=request.shown_hash, decision="reject", reason="look under the tray"
        )
        page = clerk.see(f"cash/drawers/{drawer.pk}/")
        assert "did not accept it: “look under the tray”." in page
        answer = clerk.follow(f"cash/drawers/{drawer.pk}/again/")
        assert "Count again. The earlier count stays on record." in answer
        drawer.refresh_from_db()
        assert (drawer.state, CashCount.objects.count()) == ("open", 1)

    def test_the_safe_is_counted_explained_and_accepted(self, school, clerk, supervisor) -> None:
        builders.policy(school, "cash.variance_limit", "5")
        answer = clerk.follow("cash/safe/count/", currency="USD", note="", **count(f100=4))
        assert "explain it, or count again" in answer
        assert "500.00" not in answer
        counted = CashCount.objects.get()
        clerk.post(f"cash/safe/{counted.pk}/explain/", reason="a bundle is missing")
        request = ApprovalRequest.objects.get()
        supervisor.post(f"approvals/{request.pk}/", shown_hash=request.shown_hash, decision="approve", reason="")
        assert "difference posted" in clerk.see("cash/safe/")
        assert "4 × 100" in supervisor.see(f"payments/cashcount/{counted.pk}/change/")
        assert safe_balance(school, "USD") == 400
        assert_books_whole()

    def test_cash_is_fetched_into_the_safe_once(self, school, clerk) -> None:
        fields = {"amount": "40", "bank_account": "main", "reason": "floats", "request_key": "f", "currency": "USD"}
        assert "US$40.00 fetched into the safe." in clerk.follow("cash/safe/fetch/", **fields)
        clerk.post("cash/safe/fetch/", **fields)
        assert safe_balance(school, "USD") == 540


class TestReceiving:
    def save(self, seen: Desk, payer: Any, **more: Any) -> Any:
        fields = {
            "customer": payer.code, "amount": "20", "currency": "USD", "method": "cash", "received_on": "2026-03-12",
            "strategy": "fifo", "delivery": "none", "request_key": "k1", **more,
        }  # fmt: skip
        return seen.client.post("/console/receive/save/", fields)

    def test_R12_a_required_drawer_is_told_beside_its_field(self, school, clerk) -> None:
        builders.policy(school, "cash.drawer_required", True)
        ada = builders.customer(school)
        error = self.save(clerk, ada).json()["errors"][0]
        assert (error["field"], error["label"], error["message"]) == (
            "drawer_session", "Taken at", "Open your drawer first (Cash → Drawers).",
        )  # fmt: skip
        assert "Open your drawer first" in clerk.see(f"receive/?customer={ada.code}")
        assert self.save(clerk, ada, method="card").status_code == 200

    def test_R1_several_sources_are_a_choice_with_the_own_drawer_first(self, school, clerk, drawer) -> None:
        bag = opened(point(school, "Bag of Dov", "driver"), desk(school, "clerk", name="ben").user)
        ada = builders.customer(school)
        body = bodies(clerk, f"receive/?customer={ada.code}")
        assert f'<option value="{drawer.pk}" selected>Drawer 1</option>' in body
        assert f'<option value="{bag.pk}">Bag of Dov · ben</option>' in body
        assert self.save(clerk, ada, drawer_session=str(bag.pk)).status_code == 200
        assert Payment.objects.get(drawer_session=bag).channel == "driver"

    def test_without_any_drawer_the_screen_asks_nothing(self, school, clerk) -> None:
        ada = builders.customer(school)
        assert "drawer_session" not in bodies(clerk, f"receive/?customer={ada.code}")

    @pytest.mark.parametrize("wrong", ["x", "-1", "99999999999999999999", "١"])
    def test_a_drawer_there_is_not_is_refused(self, school, clerk, wrong) -> None:
        answer = self.save(clerk, builders.customer(school), drawer_session=wrong)
        assert [e["field"] for e in answer.json()["errors"]] == ["drawer_session"]
        assert not Payment.objects.exists()

    def test_a_full_drawer_is_told_with_the_payment_and_on_its_page(self, school, clerk, drawer) -> None:
        builders.policy(school, "cash.drawer_limit", "150")
        ada = builders.customer(school)
        first = self.save(clerk, ada, drawer_session=str(drawer.pk), amount="10.87").json()["message"]
        assert "more in" not in first
        told = self.save(clerk, ada, drawer_session=str(drawer.pk), amount="0.01", request_key="k2").json()["message"]
        assert told.endswith("There is more in Drawer 1 than should be: put some of it into the safe (Cash → Drawers).")
        assert "There is more in this drawer than should be" in clerk.see(f"cash/drawers/{drawer.pk}/")

    def test_the_payment_names_its_drawer(self, clerk, drawer) -> None:
        payment = Payment.objects.order_by("id")[0]
        assert "Cash drawer Drawer 1 2026-03-12" in clerk.see(f"payments/{payment.pk}/")


def test_lists_tell_everybody_of_closed_drawers(school, clerk, drawer) -> None:
    closed(drawer, "139.13", clerk.user)
    assert "139.13" in clerk.see("payments/drawersession/")
    assert "Drawer 1" in clerk.see("payments/cashpoint/")
