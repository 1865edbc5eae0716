"""What comes back to the Dwolla double, and what Dwolla does about it; payments in bulk; the sums."""

import json
from collections.abc import Iterator

import pytest

from tests.sandbox.dwolla.codes import CODES
from tests.sandbox.dwolla_desk import Desk, open_desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    with open_desk() as desk:
        yield desk


@pytest.fixture
def ada(desk: Desk) -> str:
    return desk.customer("Ada")


@pytest.fixture
def bank(desk: Desk, ada: str) -> str:
    return desk.good_bank(ada)


class TestReturns:
    @pytest.mark.parametrize("code", ["R01", "R03"])
    def test_the_name_of_the_bank_fails_the_debit(self, desk: Desk, ada: str, code: str) -> None:
        source = desk.good_bank(ada, code)
        made = desk.pay(source, label="att-1")
        desk.simulate()
        told = desk.get(made)
        failure = desk.get(told["_links"]["failure"]["href"])
        assert (told["status"], failure["code"]) == ("failed", code)
        assert failure["description"] == CODES[code].description and failure["explanation"]
        assert failure["_links"]["failed-funding-source"]["href"] == source
        assert failure["_links"]["customer"]["href"] == ada
        assert desk.topics_of(made)[2:] == ["customer_transfer_failed", "transfer_failed"]
        assert desk.get(source)["removed"] is (code == "R03")
        assert [e.kind for e in desk.dwolla.ledger.of(key="att-1")] == ["capture", "return"]
        assert desk.simulate() == 0

    @pytest.mark.parametrize("code", ["R01", "R03"])
    def test_a_late_one_fails_after_it_was_processed(self, desk: Desk, ada: str, code: str) -> None:
        made = desk.pay(desk.good_bank(ada, f"{code}-late"), label="att-1", destination=desk.own_balance)
        desk.simulate()
        assert (desk.status(made), desk.own_money()) == ("processed", "5012.34")
        desk.simulate()
        assert (desk.status(made), desk.own_money()) == ("failed", "5000.00")
        assert desk.get(f"{made}/failure")["code"] == code
        assert [e.kind for e in desk.dwolla.ledger.of(key="att-1")] == ["capture", "settle", "return"]
        assert (desk.dwolla.ledger.held("USD"), desk.simulate()) == (0, 0)

    def test_one_that_comes_back_after_the_payout_is_owed(self, desk: Desk, ada: str) -> None:
        made = desk.pay(desk.good_bank(ada, "R01-late"), label="att-1")
        desk.simulate()
        desk.simulate()
        assert desk.status(made) == "failed"
        kinds = sorted(e.kind for e in desk.dwolla.ledger.of(key="att-1"))
        assert kinds == ["capture", "payout", "return", "settle"]
        assert desk.dwolla.ledger.held("USD") == -1234

    @pytest.mark.parametrize(("code", "status", "verified", "removed"), [
        ("R01", "unverified", True, False), ("R02", "unverified", False, True), ("R04", "unverified", False, True),
        ("R05", "suspended", False, True), ("R06", "suspended", False, True), ("R07", "deactivated", False, True),
        ("R08", "unverified", False, True), ("R09", "unverified", True, False), ("R10", "suspended", False, True),
        ("R11", "deactivated", False, True), ("R12", "unverified", True, True), ("R13", "unverified", False, True),
        ("R14", "suspended", True, True), ("R15", "suspended", False, True), ("R16", "suspended", False, True),
        ("R17", "suspended", False, True), ("R20", "unverified", True, True), ("R22", "unverified", False, False),
        ("R23", "unverified", False, True), ("R29", "suspended", False, True), ("R31", "suspended", False, True),
        ("R37", "unverified", True, True), ("R38", "suspended", False, True), ("R51", "suspended", False, True),
    ])  # fmt: skip
    def test_dwolla_acts_on_payer_and_bank_by_the_code(
        self, desk: Desk, ada: str, bank: str, code: str, status: str, verified: bool, removed: bool
    ) -> None:
        desk.pay(bank)
        desk.dwolla.do("return_transfer", code=code)
        told = desk.get(bank)
        assert (desk.status(ada), told["status"] == "verified", told["removed"]) == (status, verified, removed)
        topics = desk.topics()
        assert ("customer_funding_source_unverified" in topics) is not verified
        assert ("customer_funding_source_removed" in topics) is removed
        assert (f"customer_{status}" in topics) is (status != "unverified")

    @pytest.mark.parametrize(
        ("code", "is_barred"), [("R10", True), ("R13", True), ("R20", True), ("R07", False), ("R03", False)]
    )
    def test_a_blocked_bank_cannot_come_back_by_another_customer(
        self, desk: Desk, bank: str, code: str, is_barred: bool
    ) -> None:
        desk.pay(bank)
        desk.dwolla.do("return_transfer", code=code)
        asked = {"plaidToken": "processor-sandbox-bank-1", "bankAccountType": "checking", "name": "B"}
        answer = desk.ask("POST", f"{desk.customer('Ben')}/funding-sources", asked)
        assert (answer.status_code == 400) is is_barred

    @pytest.mark.parametrize(("code", "inside", "outside"), [("R01", 2, 3), ("R10", 60, 61)])
    def test_a_return_keeps_to_its_window(self, desk: Desk, bank: str, code: str, inside: int, outside: int) -> None:
        late, later = desk.pay(bank, "1.00"), desk.pay(bank, "2.00")
        desk.simulate()
        desk.dwolla.clock.advance(days=inside)
        assert desk.dwolla.do("return_transfer", transfer=late.rsplit("/", 1)[-1], code=code)
        desk.dwolla.clock.advance(days=outside - inside)
        with pytest.raises(ValueError, match="too late"):
            desk.dwolla.do("return_transfer", transfer=later.rsplit("/", 1)[-1], code=code)

    def test_a_refund_that_the_payers_bank_will_not_have_stays_with_us(self, desk: Desk, ada: str) -> None:
        bank = desk.good_bank(ada, "R03")
        back = desk.make("/transfers", desk.transfer_body(desk.own_balance, bank, "2.34", "refund-1"))
        assert desk.own_money() == "4997.66"
        desk.simulate()
        assert (desk.status(back), desk.own_money()) == ("failed", "5000.00")
        assert [e.kind for e in desk.dwolla.ledger.of(key="refund-1")] == ["refund", "refund_returned"]


class TestMassPayments:
    def body(self, desk: Desk, banks: list[str], **more: object) -> dict[str, object]:
        items = [
            {
                "_links": {"destination": {"href": bank}},
                "amount": {"value": "10.00", "currency": "USD"},
                "correlationId": f"p-{n}",
            }
            for n, bank in enumerate(banks)
        ]
        return {"_links": {"source": {"href": desk.own_balance}}, "items": items, **more}

    def test_items_become_transfers_one_by_one_and_a_bad_one_says_why(self, desk: Desk, bank: str) -> None:
        body = self.body(desk, [bank, desk.at("/funding-sources/none")])
        made = desk.make("/mass-payments", body, idempotency_key="M1")
        assert desk.make("/mass-payments", body, idempotency_key="M1") == made
        assert desk.status(made) == "pending"
        desk.dwolla.clock.advance(seconds=2)
        told = desk.get(made)
        assert (told["status"], told["total"]["value"]) == ("complete", "20.00")
        good, bad = desk.get(f"{made}/items")["_embedded"]["items"]
        assert (good["status"], bad["status"]) == ("success", "failed")
        assert bad["_embedded"]["errors"][0]["path"] == "/_links/destination/href"
        assert desk.get(good["_links"]["transfer"]["href"])["correlationId"] == "p-0"
        assert desk.get(f"{made}/items?status=failed")["total"] == 1
        assert desk.topics_of(made) == ["mass_payment_created", "mass_payment_completed"]
        assert [e.minor for e in desk.dwolla.ledger.of("refund", key="p-0")] == [1000]

    def test_a_deferred_one_waits_and_can_be_cancelled(self, desk: Desk, bank: str) -> None:
        waiting, dropped = (desk.make("/mass-payments", self.body(desk, [bank], status="deferred")) for _n in range(2))
        desk.dwolla.clock.advance(seconds=100)
        assert desk.status(waiting) == "deferred"
        assert desk.ask("POST", dropped, {"status": "cancelled"}).json()["status"] == "cancelled"
        assert desk.ask("POST", waiting, {"status": "pending"}).json()["status"] == "pending"
        assert desk.refusal(dropped, {"status": "pending"})[:2] == (403, "InvalidResourceState")
        desk.dwolla.clock.advance(seconds=1)
        assert desk.status(waiting) == "complete"
        assert desk.get(f"{desk.account}/mass-payments")["total"] == 2

    def test_without_items_it_is_refused(self, desk: Desk) -> None:
        assert desk.refusal("/mass-payments", self.body(desk, []))[2] == [("Invalid", "/items")]


def test_the_lists_add_up_to_the_ledger(desk: Desk) -> None:
    """Sums by status of what the account's list tells are the ledger's, whatever became of each."""
    names = ["My bank", "R01", "R03-late", "My bank"]
    made = [desk.pay(desk.good_bank(desk.customer(f"P{n}"), name, f"b{n}"), f"{n + 1}.10", f"a-{n}", desk.own_balance)
            for n, name in enumerate(names)]  # fmt: skip
    desk.ask("POST", made[3], {"status": "cancelled"})
    desk.simulate()
    desk.simulate()
    rows = desk.get(f"{desk.account}/transfers?limit=200")["_embedded"]["transfers"]
    kept = sum(int(row["amount"]["value"].replace(".", "")) for row in rows if row["status"] == "processed")
    assert kept == 110 == desk.dwolla.ledger.held("USD")
    assert desk.own_money() == "5001.10"
    assert json.dumps(rows).count('"failed"') == 2
