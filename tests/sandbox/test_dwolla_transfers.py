"""The Dwolla double's transfers: once per key, found again, two legs, cancelled."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import requests

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


class TestOnce:
    def test_the_same_key_and_body_is_one_transfer(self, desk: Desk, bank: str) -> None:
        body = desk.transfer_body(bank, desk.own_bank, label="att-1")
        first, again = (desk.make("/transfers", body, idempotency_key="K1") for _try in range(2))
        assert first == again
        assert len(desk.dwolla.ledger.captures("att-1")) == 1
        assert desk.make("/transfers", body, idempotency_key="K2") != first

    def test_the_same_key_with_another_body_is_refused_loudly(self, desk: Desk, bank: str) -> None:
        body = desk.transfer_body(bank, desk.own_bank)
        desk.make("/transfers", body, idempotency_key="K1")
        other = desk.transfer_body(bank, desk.own_bank, "12.35")
        assert desk.refusal("/transfers", other, idempotency_key="K1")[:2] == (409, "Conflict")
        assert len(desk.dwolla.ledger.captures("K1")) == 1

    def test_while_the_first_is_being_made_a_resend_is_told_to_wait(self, desk: Desk, bank: str) -> None:
        desk.dwolla.do("take_time", seconds="30")
        body = desk.transfer_body(bank, desk.own_bank)
        first = desk.make("/transfers", body, idempotency_key="K1")
        desk.dwolla.clock.advance(seconds=29)
        assert desk.refusal("/transfers", body, idempotency_key="K1")[:2] == (409, "Conflict")
        desk.dwolla.clock.advance(seconds=1)
        assert desk.make("/transfers", body, idempotency_key="K1") == first

    def test_a_key_is_kept_24_hours(self, desk: Desk, bank: str) -> None:
        body = desk.transfer_body(bank, desk.own_bank)
        first = desk.make("/transfers", body, idempotency_key="K1")
        desk.dwolla.clock.advance(hours=24, seconds=-1)
        desk.token = desk.new_token()
        assert desk.make("/transfers", body, idempotency_key="K1") == first
        desk.dwolla.clock.advance(seconds=1)
        assert desk.make("/transfers", body, idempotency_key="K1") != first

    def test_a_refusal_leaves_the_key_free(self, desk: Desk, bank: str) -> None:
        nothing = desk.transfer_body(bank, desk.own_bank, "0.00")
        assert desk.refusal("/transfers", nothing, idempotency_key="K1")[0] == 400
        desk.make("/transfers", desk.transfer_body(bank, desk.own_bank), idempotency_key="K1")

    def test_threads_with_one_key_make_one_transfer(self, desk: Desk, bank: str) -> None:
        body = desk.transfer_body(bank, desk.own_bank, label="att-1")
        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(lambda _n: desk.make("/transfers", body, idempotency_key="K1"), range(8)))
        assert len(set(made)) == 1 == len(desk.dwolla.ledger.captures("att-1"))


class TestFaults:
    def test_made_and_the_answer_lost_is_found_by_resending(self, desk: Desk, bank: str) -> None:
        body = desk.transfer_body(bank, desk.own_bank, label="att-1")
        desk.dwolla.faults.add("drop_after", path="/transfers")
        with pytest.raises(requests.ConnectionError):
            desk.ask("POST", "/transfers", body, idempotency_key="K1")
        assert len(desk.dwolla.ledger.captures("att-1")) == 1
        made = desk.make("/transfers", body, idempotency_key="K1")
        assert len(desk.dwolla.ledger.captures("att-1")) == 1
        assert desk.status(made) == "pending"

    def test_dropped_before_it_was_made_is_not_made(self, desk: Desk, ada: str, bank: str) -> None:
        desk.dwolla.faults.add("drop_before", path="/transfers")
        with pytest.raises(requests.ConnectionError):
            desk.ask("POST", "/transfers", desk.transfer_body(bank, desk.own_bank, label="att-1"))
        assert desk.get(f"{ada}/transfers?correlationId=att-1")["total"] == 0
        assert desk.dwolla.ledger.captures("att-1") == []

    def test_what_is_young_is_not_seen_while_queries_are_blind(self, desk: Desk, ada: str, bank: str) -> None:
        desk.pay(bank, label="att-1")
        desk.dwolla.faults.add("blind", seconds=60)
        search = f"{ada}/transfers?correlationId=att-1"
        desk.dwolla.clock.advance(seconds=59)
        assert desk.get(search)["total"] == 0
        desk.dwolla.clock.advance(seconds=1)
        assert desk.get(search)["total"] == 1

    def test_a_lie_names_another_amount(self, desk: Desk, bank: str) -> None:
        made = desk.pay(bank, "12.34")
        desk.dwolla.faults.add("lie_amount")
        assert desk.get(made)["amount"] == {"value": "13.34", "currency": "USD"}
        assert desk.get(made)["amount"] == {"value": "12.34", "currency": "USD"}


class TestValidation:
    def errors(self, desk: Desk, source: str, value: str = "1.00", **more: object) -> list[tuple[str, str]]:
        status, code, errors = desk.refusal("/transfers", desk.transfer_body(source, desk.own_bank, value) | more)
        assert (status, code) == (400, "ValidationError")
        return errors

    def test_the_source_must_be_there_and_verified(self, desk: Desk, ada: str, bank: str) -> None:
        where = "/_links/source/href"
        assert self.errors(desk, desk.bank(ada)) == [("Invalid", where)]
        assert self.errors(desk, desk.at("/funding-sources/none")) == [("Invalid", where)]
        desk.ask("POST", bank, {"removed": True})
        assert self.errors(desk, bank) == [("Invalid", where)]

    def test_who_is_suspended_neither_sends_nor_receives(self, desk: Desk, ada: str, bank: str) -> None:
        desk.ask("POST", ada, {"status": "suspended"})
        assert self.errors(desk, bank) == [("Restricted", "/_links/source/href")]
        status, _code, errors = desk.refusal("/transfers", desk.transfer_body(desk.own_balance, bank))
        assert (status, errors) == (400, [("Restricted", "/_links/destination/href")])

    @pytest.mark.parametrize(("value", "code"), [
        ("0.00", "Invalid"), ("0.004", "Invalid"), ("-1.00", "Invalid"), ("1,00", "InvalidFormat"),
        ("", "InvalidFormat"),
    ])  # fmt: skip
    def test_an_amount_is_a_positive_text(self, desk: Desk, bank: str, value: str, code: str) -> None:
        assert self.errors(desk, bank, value) == [(code, "/amount/value")]

    def test_an_amount_as_a_number_or_in_other_money_is_refused(self, desk: Desk, bank: str) -> None:
        assert self.errors(desk, bank, amount={"value": 1, "currency": "USD"}) == [("InvalidFormat", "/amount/value")]
        assert self.errors(desk, bank, amount={"value": "1", "currency": "EUR"}) == [("Invalid", "/amount/currency")]

    @pytest.mark.parametrize(
        ("asked", "taken"), [("1.005", "1.00"), ("1.015", "1.02"), ("1.0051", "1.01"), ("7", "7.00")]
    )
    def test_further_decimals_are_rounded_half_to_even(self, desk: Desk, bank: str, asked: str, taken: str) -> None:
        assert desk.get(desk.pay(bank, asked))["amount"]["value"] == taken

    def test_an_unverified_customer_sends_5000_in_a_week(self, desk: Desk, bank: str) -> None:
        desk.pay(bank, "4999.99")
        assert self.errors(desk, bank, "0.02") == [("Invalid", "/amount/value")]
        desk.pay(bank, "0.01")
        desk.dwolla.clock.advance(days=7)
        desk.token = desk.new_token()
        desk.pay(bank, "5000.00")

    def test_anybody_else_sends_10000_at_once(self, desk: Desk) -> None:
        source = desk.good_bank(desk.verified())
        desk.pay(source, "10000.00")
        assert self.errors(desk, source, "10000.01") == [("Invalid", "/amount/value")]

    def test_a_balance_gives_what_is_in_it(self, desk: Desk, bank: str) -> None:
        status, _code, errors = desk.refusal("/transfers", desk.transfer_body(desk.own_balance, bank, "5000.01"))
        assert (status, errors) == (400, [("InsufficientFunds", "/amount/value")])
        desk.make("/transfers", desk.transfer_body(desk.own_balance, bank, "5000.00"))
        assert desk.own_money() == "0.00"

    @pytest.mark.parametrize(("pairs", "status"), [(10, 201), (11, 400)])
    def test_metadata_has_at_most_ten_pairs(self, desk: Desk, bank: str, pairs: int, status: int) -> None:
        body = desk.transfer_body(bank, desk.own_bank) | {"metadata": {f"k{n}": "v" for n in range(pairs)}}
        assert desk.ask("POST", "/transfers", body).status_code == status

    def test_labels_and_clearing_are_checked_and_told_back(self, desk: Desk, bank: str) -> None:
        assert self.errors(desk, bank, correlationId="a b") == [("InvalidFormat", "/correlationId")]
        assert self.errors(desk, bank, clearing={"source": "now"}) == [("Invalid", "/clearing/source")]
        body = desk.transfer_body(bank, desk.own_bank, label="l" * 255) | {"clearing": {"source": "next-available"}}
        told = desk.get(desk.make("/transfers", body))
        assert (told["correlationId"], told["clearing"]) == ("l" * 255, {"source": "next-available"})


class TestTwoLegs:
    def test_a_payers_debit_is_processed_first_and_our_bank_credited_next(self, desk: Desk, bank: str) -> None:
        made = desk.pay(bank, "12.34", "att-1")
        assert desk.topics_of(made) == ["customer_transfer_created", "transfer_created"]
        desk.dwolla.clock.advance(days=30)
        desk.token = desk.new_token()
        assert desk.status(made) == "pending", "nothing called: pending for ever"
        assert desk.simulate() == 1
        told = desk.get(made)
        assert told["status"] == "processed" and len(told["individualAchId"]) == 8
        assert desk.topics_of(made)[2:] == ["customer_transfer_completed", "transfer_completed"]
        leg = told["_links"]["funded-transfer"]["href"]
        assert (desk.status(leg), desk.topics_of(leg)) == ("pending", ["bank_transfer_created"])
        assert (desk.simulate(), desk.simulate()) == (1, 0)
        assert (desk.status(leg), desk.topics_of(leg)[1:]) == ("processed", ["bank_transfer_completed"])
        assert [e.kind for e in desk.dwolla.ledger.of(key="att-1")] == ["capture", "settle", "payout"]
        assert desk.dwolla.ledger.held("USD") == 0

    def test_a_verified_payers_debit_has_a_leg_of_the_other_family(self, desk: Desk) -> None:
        made = desk.pay(desk.good_bank(desk.verified()))
        leg = desk.get(made)["_links"]["funding-transfer"]["href"]
        assert desk.topics_of(leg) == ["customer_bank_transfer_created"]
        desk.simulate()
        assert desk.topics_of(leg)[1:] == ["customer_bank_transfer_completed"]
        assert desk.status(made) == "processed"

    def test_to_our_balance_there_is_one_leg(self, desk: Desk, bank: str) -> None:
        made = desk.pay(bank, "12.34", destination=desk.own_balance)
        desk.simulate()
        assert (desk.status(made), desk.own_money()) == ("processed", "5012.34")
        assert desk.dwolla.ledger.held("USD") == 1234
        assert desk.simulate() == 0

    def test_a_refund_is_a_transfer_the_other_way(self, desk: Desk, ada: str, bank: str) -> None:
        desk.pay(bank, "12.34", "att-1", desk.own_balance)
        desk.simulate()
        back = desk.make("/transfers", desk.transfer_body(desk.own_balance, bank, "2.34", "refund-1"))
        assert desk.own_money() == "5010.00"
        desk.simulate()
        assert desk.status(back) == "processed"
        assert [e.minor for e in desk.dwolla.ledger.of("refund", key="refund-1")] == [234]
        assert desk.dwolla.ledger.held("USD") == 1000

    def test_a_refund_from_our_bank_takes_two(self, desk: Desk, bank: str) -> None:
        back = desk.make("/transfers", desk.transfer_body(desk.own_bank, bank, "2.34", "refund-1"))
        assert desk.simulate() == 1 and desk.status(back) == "pending"
        assert desk.simulate() == 1 and desk.status(back) == "processed"
        assert desk.own_money() == "5000.00"

    def test_transfers_are_found_by_label_status_day_and_amount(self, desk: Desk, ada: str, bank: str) -> None:
        made = desk.pay(bank, "12.34", "att-1")
        desk.pay(bank, "20.00", "att-2")
        for query, total in (
            ("correlationId=att-1", 1), ("correlationId=att", 0), ("status=pending", 2), ("status=failed", 0),
            ("startDate=2026-03-02", 2), ("startDate=2026-03-03", 0), ("endDate=2026-03-02", 2),
            ("endDate=2026-03-01", 0), ("startAmount=12.34", 2), ("startAmount=12.35", 1), ("endAmount=12.34", 1),
        ):  # fmt: skip
            assert desk.get(f"{ada}/transfers?{query}")["total"] == total, query
        found = desk.get(f"{desk.account}/transfers?correlationId=att-1")["_embedded"]["transfers"]
        assert [row["_links"]["self"]["href"] for row in found] == [made]


class TestCancelling:
    def test_a_cancelled_transfer_is_no_capture(self, desk: Desk, bank: str) -> None:
        made = desk.pay(bank, label="att-1")
        assert desk.ask("POST", made, {"status": "cancelled"}).json()["status"] == "cancelled"
        assert desk.topics_of(made)[2:] == ["customer_transfer_cancelled", "transfer_cancelled"]
        assert desk.dwolla.ledger.captures("att-1") == []
        assert (desk.simulate(), desk.status(made)) == (0, "cancelled")
        assert desk.refusal(made, {"status": "cancelled"})[:2] == (403, "InvalidResourceState")

    @pytest.mark.parametrize(("made_at", "until"), [
        (datetime(2026, 3, 2, 21, 59, tzinfo=UTC), datetime(2026, 3, 2, 22, tzinfo=UTC)),  # Monday before 4 pm
        (datetime(2026, 3, 2, 22, tzinfo=UTC), datetime(2026, 3, 3, 22, tzinfo=UTC)),  # Monday at 4 pm
        (datetime(2026, 3, 6, 23, tzinfo=UTC), datetime(2026, 3, 9, 21, tzinfo=UTC)),  # Friday evening; summer time
        (datetime(2026, 5, 25, 15, tzinfo=UTC), datetime(2026, 5, 26, 21, tzinfo=UTC)),  # Memorial Day
    ])  # fmt: skip
    def test_it_can_be_cancelled_until_4_pm_central(self, made_at: datetime, until: datetime) -> None:
        with open_desk(made_at) as desk:
            made = desk.pay(desk.good_bank(desk.customer()))
            desk.dwolla.clock.advance(seconds=(until - made_at).total_seconds() - 1)
            desk.token = desk.new_token()
            assert "cancel" in desk.get(made)["_links"]
            desk.dwolla.clock.advance(seconds=1)
            assert "cancel" not in desk.get(made)["_links"]
            assert desk.refusal(made, {"status": "cancelled"})[:2] == (403, "InvalidResourceState")

    def test_not_once_it_is_processed(self, desk: Desk, bank: str) -> None:
        made = desk.pay(bank)
        desk.simulate()
        assert desk.refusal(made, {"status": "cancelled"})[:2] == (403, "InvalidResourceState")
