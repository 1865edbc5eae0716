"""Golden replies about bank debits (paysafe.md §2, §7; ach-returns.md), parsed without a server."""

from datetime import UTC, datetime
from typing import Any

import pytest

from payments.gateways.base import NotSupported, Outcome, PayerRef, Reason, State, StoredCredential
from payments.gateways.paysafe.codes import RETURNS
from tests.payments.gateways.paysafe import canned
from tests.payments.gateways.paysafe.canned import BANK, ORDER, USD, charged, payment


class TestBank:
    def row(self, **changed: Any) -> dict[str, Any]:
        row = payment(paymentType="ACH", ach={"lastDigits": "13", "accountHolderName": "Ada"}, **changed)
        del row["card"]
        return row

    @pytest.mark.parametrize(
        ("status", "settlement", "outcome"),
        [
            ("PROCESSING", "PROCESSING", Outcome.PENDING),
            ("COMPLETED", "PROCESSING", Outcome.PENDING),
            ("COMPLETED", "PENDING", Outcome.PENDING),
            ("COMPLETED", "COMPLETED", Outcome.APPROVED),
            ("COMPLETED", "FAILED", Outcome.DECLINED),
            ("COMPLETED", "CANCELLED", Outcome.DECLINED),
        ],
    )
    def test_a_bank_debit_is_money_only_once_it_is_settled(
        self, status: str, settlement: str, outcome: Outcome
    ) -> None:  # fmt: skip
        rows = [{"id": "set-1", "status": settlement, "amount": 1100, "availableToRefund": 0}]
        result = charged((200, self.row(status=status, settlements=rows)), method=BANK)
        assert result.outcome == outcome
        assert result.view is not None and result.view.last4 == "13"

    def test_without_word_of_its_settlement_a_bank_debit_stays_pending(self) -> None:
        row = self.row()
        del row["settlements"]
        assert charged((200, row), method=BANK).outcome == Outcome.PENDING

    @pytest.mark.parametrize(("code", "reason"), RETURNS.items())
    def test_a_debit_that_came_back_tells_its_return_code(self, code: str, reason: Reason) -> None:
        result = charged((200, self.row(status="FAILED", error={"code": code, "message": "Returned"})), method=BANK)
        assert (result.outcome, result.state) == (Outcome.DECLINED, State.RETURNED)
        assert (result.reason, result.return_code) == (reason, code)

    def test_a_return_code_in_no_table_is_for_a_person(self) -> None:
        result = charged((200, self.row(status="FAILED", error={"code": "R99", "message": "?"})), method=BANK)
        assert (result.reason, result.return_code) == (Reason.GATEWAY_ERROR, "R99")

    def test_it_is_settled_with_its_authorisation_and_bears_no_stored_credential(self) -> None:
        gateway, wire = canned.gateway((200, self.row()))
        gateway.charge(BANK, USD, "att-7", ORDER, StoredCredential(True, True))
        assert wire.asked[0][2]["settleWithAuth"] is True and "storedCredential" not in wire.asked[0][2]

    def test_it_cannot_be_authorised_verified_or_tried_with_small_deposits(self) -> None:
        gateway, wire = canned.gateway()
        for ask in (
            lambda: gateway.authorize(BANK, USD, "att-7", ORDER, None),
            lambda: gateway.verify(BANK, "att-7", PayerRef("p", "Ada")),
            lambda: gateway.start_micro_deposits(BANK, "att-7"),
            lambda: gateway.confirm_micro_deposits(BANK, (1, 2), "att-7"),
            lambda: gateway.updates(datetime(2026, 1, 1, tzinfo=UTC)),
        ):
            with pytest.raises(NotSupported):
                ask()
        assert wire.asked == []
