"""Transaction details, lists, batches, account updater: all read from the same transactions."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.sandbox.authorizenet.account import NONE_FOUND, OK, Done, operation
from tests.sandbox.authorizenet.codes import text_of
from tests.sandbox.authorizenet.instruments import masked
from tests.sandbox.authorizenet.reading import Refused
from tests.sandbox.authorizenet.records import HELD, Batch, CardUpdate, Instrument, Transaction
from tests.sandbox.authorizenet.vault import Vault
from tests.sandbox.authorizenet.writing import Items, local, money, utc

MOST_DAYS = 31
MOST_ROWS = 1000
UPDATE_WORDS = {
    "NAN": "New Account Number", "NED": "New Expiration Date", "ACL": "Account Closed", "CCH": "Contact Cardholder",
}  # fmt: skip


class Reports(Vault):
    def _seen(self) -> list[Transaction]:
        """What queries see by now, oldest first."""
        blind = timedelta(seconds=self.faults.blindness())
        since = self.clock.now() - blind
        return [made for made in self.transactions.values() if not blind or made.at <= since]

    def _check_allowed(self) -> None:
        if not self.reports_allowed:
            raise Refused("E00011", "Access denied. You do not have the appropriate permissions.")

    @operation("getTransactionDetailsRequest")
    def transaction_details(self, body: dict[str, Any]) -> Done:
        self._check_allowed()
        made = next((one for one in self._seen() if one.id == body["transId"]), None)
        if made is None:
            raise Refused("E00040", "The record cannot be found.")
        return Done({"transaction": self._detailed(made), "transrefId": made.ref_id or None}, OK)

    def _detailed(self, made: Transaction) -> dict[str, Any]:
        batch = self.batches.get(made.batch_id)
        order = {"invoiceNumber": made.invoice or None, "description": made.description or None}
        back = Items("returnedItem", [_returned(one) for one in made.returned])
        profile = made.profile
        customer = {name: made.customer.get(name) or None for name in ("type", "id", "email")}
        return {
            "transId": made.id, "refTransId": made.refers_to or None, "splitTenderId": made.split_id or None,
            "submitTimeUTC": utc(made.at), "submitTimeLocal": local(made.at), "transactionType": made.kind,
            "transactionStatus": made.status, "responseCode": made.response, "responseReasonCode": made.reason,
            "responseReasonDescription": text_of(made.reason).rstrip("."), "authCode": made.auth_code or None,
            "AVSResponse": made.avs, "cardCodeResponse": made.cvv,
            "FDSFilterAction": "authAndHold" if made.filters else None,
            "FDSFilters": Items("FDSFilter", [{"name": name, "action": "authAndHold"} for name in made.filters])
            if made.filters else None,
            "batch": _batch_shown(batch) if batch else None,
            "order": order if made.invoice or made.description else None,
            "requestedAmount": money(made.requested) if made.requested != made.minor else None,
            "authAmount": money(made.minor), "settleAmount": money(made.minor), "taxExempt": False,
            "payment": masked(made.instrument),
            "customer": customer if made.customer else None,
            "billTo": made.bill_to or None, "recurringBilling": False, "customerIP": made.customer_ip or None,
            "product": "Card Not Present", "marketType": "eCommerce", "returnedItems": back if made.returned else None,
            "profile": {"customerProfileId": profile[0], "customerPaymentProfileId": profile[1]} if profile else None,
            "networkTransId": made.network_id or None,
        }  # fmt: skip

    # Lists

    @operation("getUnsettledTransactionListRequest")
    def unsettled(self, body: dict[str, Any]) -> Done:
        self._check_allowed()
        only_held = body.get("status") == "pendingApproval"
        rows = [made for made in self._seen() if not made.batch_id and (made.status in HELD or not only_held)]
        return self._listed(rows, body)

    @operation("getTransactionListRequest")
    def batch_content(self, body: dict[str, Any]) -> Done:
        self._check_allowed()
        items = self._batch(body["batchId"]).items
        return self._listed(
            [self.transactions[one] for one in dict.fromkeys(trans_id for _what, trans_id in items)], body
        )

    @operation("getTransactionListForCustomerRequest")
    def of_customer(self, body: dict[str, Any]) -> Done:
        self._check_allowed()
        wanted = body.get("customerPaymentProfileId")
        rows = [
            made for made in self._seen()
            if made.profile and made.profile[0] == body["customerProfileId"] and wanted in (None, made.profile[1])
        ]  # fmt: skip
        return self._listed(rows, body)

    def _listed(self, rows: list[Transaction], body: dict[str, Any]) -> Done:
        """By id or time of submission; paging.offset is the number of the page."""
        sorting = body.get("sorting", {})
        by_time = sorting.get("orderBy") == "submitTimeUTC"
        rows = sorted(
            rows, key=lambda made: (made.at if by_time else datetime.min.replace(tzinfo=UTC), int(made.id)),
            reverse=sorting.get("orderDescending") in ("true", "1"),
        )  # fmt: skip
        page = _page(rows, body.get("paging"))
        if not page:
            return Done({"totalNumInResultSet": 0}, NONE_FOUND)
        listed = Items("transaction", [_line(made) for made in page])
        return Done({"transactions": listed, "totalNumInResultSet": len(page)}, OK)

    # Batches

    @operation("getSettledBatchListRequest")
    def settled_batches(self, body: dict[str, Any]) -> Done:
        self._check_allowed()
        now = self.clock.now()
        first = _instant(body.get("firstSettlementDate")) or now - timedelta(days=1)
        last = _instant(body.get("lastSettlementDate")) or now
        if last < first:
            raise Refused("E00013", "First Settlement Date is later than Last Settlement Date.")
        if last - first > timedelta(days=MOST_DAYS):
            raise Refused("E00013", f"The settlement dates are more than {MOST_DAYS} days apart.")
        found = [batch for batch in self.batches.values() if first <= batch.settled_at <= last]
        if not found:
            return Done({}, NONE_FOUND)
        with_sums = body.get("includeStatistics") in ("true", "1")
        shown = [_batch_shown(one, self.statistics(one) if with_sums else None) for one in found]
        return Done({"batchList": Items("batch", shown)}, OK)

    @operation("getBatchStatisticsRequest")
    def batch_statistics(self, body: dict[str, Any]) -> Done:
        self._check_allowed()
        batch = self._batch(body["batchId"])
        return Done({"batch": _batch_shown(batch, self.statistics(batch))}, OK)

    def _batch(self, batch_id: str) -> Batch:
        if batch_id not in self.batches:
            raise Refused("E00040", "The record cannot be found.")
        return self.batches[batch_id]

    def statistics(self, batch: Batch) -> Items:
        """Sums by kind of card."""
        found: dict[str, dict[str, Any]] = {}
        for what, trans_id in batch.items:
            made = self.transactions[trans_id]
            row = found.setdefault(made.instrument.brand, _no_sums(made.instrument.brand, is_bank=made.is_bank))
            name = {"charge": "charge", "refund": "refund", "returned": "returnedItem", "chargeback": "chargeback"}.get(
                what
            )
            if name:
                row[f"{name}Amount"] += money(made.minor)
                row[f"{name}Count"] += 1
            elif what in ("void", "decline"):
                row[f"{what}Count"] += 1
        return Items("statistic", list(found.values()))

    # Account updater

    @operation("getAUJobSummaryRequest")
    def updater_summary(self, body: dict[str, Any]) -> Done:
        rows = self._updates(body["month"])
        if not rows:
            return Done({}, NONE_FOUND)
        counts = {reason: len({one.stored_id for one in rows if one.reason == reason}) for reason in UPDATE_WORDS}
        shown = [
            {"auReasonCode": reason, "profileCount": count, "reasonDescription": UPDATE_WORDS[reason]}
            for reason, count in counts.items() if count
        ]  # fmt: skip
        return Done({"auSummary": Items("auResponse", shown)}, OK)

    @operation("getAUJobDetailsRequest")
    def updater_details(self, body: dict[str, Any]) -> Done:
        wanted = body.get("modifiedTypeFilter", "all")
        rows = [
            one for one in self._updates(body["month"])
            if wanted == "all" or (wanted == "updates") == (one.new is not None)
        ]  # fmt: skip
        page = _page(rows, body.get("paging"))
        if not page:
            return Done({"totalNumInResultSet": 0}, NONE_FOUND)
        details = {
            "auUpdate": [_update_shown(one) for one in page if one.new] or None,
            "auDelete": [_update_shown(one) for one in page if not one.new] or None,
        }
        return Done({"totalNumInResultSet": len(rows), "auDetails": details}, OK)

    def _updates(self, month: str) -> list[CardUpdate]:
        self._check_allowed()
        try:
            asked = datetime.strptime(month, "%Y-%m")
        except ValueError:
            raise Refused("E00013", "Month is invalid.") from None
        if asked.strftime("%Y-%m") > self.clock.now().strftime("%Y-%m"):
            raise Refused("E00112", "The specified month should not be in the future.")
        return [one for one in self.card_updates if one.at.strftime("%Y-%m") == month]


def _page(rows: Sequence[Any], paging: dict[str, str] | None) -> Sequence[Any]:
    limit, number = (int(paging["limit"]), int(paging["offset"])) if paging else (MOST_ROWS, 1)
    if not 1 <= limit <= MOST_ROWS or not 1 <= number <= 100_000:
        raise Refused("E00003", "The paging element is invalid - The Inclusive constraint failed.")
    return rows[(number - 1) * limit : number * limit]


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("E00013", "The date is invalid.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _line(made: Transaction) -> dict[str, Any]:
    profile = made.profile
    return {
        "transId": made.id, "submitTimeUTC": utc(made.at), "submitTimeLocal": local(made.at),
        "transactionStatus": made.status, "invoiceNumber": made.invoice or None,
        "firstName": made.bill_to.get("firstName") or None, "lastName": made.bill_to.get("lastName") or None,
        "accountType": made.instrument.brand, "accountNumber": made.instrument.masked,
        "settleAmount": money(made.minor), "marketType": "eCommerce", "product": "Card Not Present",
        "hasReturnedItems": True if made.returned else None,
        "fraudInformation": {"fraudFilterList": Items("fraudFilter", made.filters), "fraudAction": "authAndHold"}
        if made.filters else None,
        "profile": {"customerProfileId": profile[0], "customerPaymentProfileId": profile[1]} if profile else None,
    }  # fmt: skip


def _returned(one: Any) -> dict[str, Any]:
    return {
        "id": one.id, "dateUTC": utc(one.at), "dateLocal": local(one.at), "code": one.code, "description": one.text,
    }  # fmt: skip


def _batch_shown(batch: Batch, statistics: Items | None = None) -> dict[str, Any]:
    return {
        "batchId": batch.id, "settlementTimeUTC": utc(batch.settled_at), "settlementTimeLocal": local(batch.settled_at),
        "settlementState": "settledSuccessfully", "paymentMethod": batch.method, "marketType": "eCommerce",
        "product": "Card Not Present", "statistics": statistics,
    }  # fmt: skip


def _no_sums(brand: str, *, is_bank: bool) -> dict[str, Any]:
    zero = Decimal("0.00")
    row: dict[str, Any] = {
        "accountType": brand, "chargeAmount": zero, "chargeCount": 0, "refundAmount": zero, "refundCount": 0,
        "voidCount": 0, "declineCount": 0, "errorCount": 0,
    }  # fmt: skip
    if is_bank:
        return row | {"returnedItemAmount": zero, "returnedItemCount": 0}
    return row | {"chargebackAmount": zero, "chargebackCount": 0}


def _update_shown(one: CardUpdate) -> dict[str, Any]:
    head = {
        "customerProfileID": int(one.profile_id), "customerPaymentProfileID": int(one.stored_id),
        "firstName": one.bill_to.get("firstName") or None, "lastName": one.bill_to.get("lastName") or None,
        "updateTimeUTC": utc(one.at), "auReasonCode": one.reason, "reasonDescription": UPDATE_WORDS[one.reason],
    }  # fmt: skip
    if one.new is None:
        return head | {"creditCard": _card(one.old)}
    return head | {"newCreditCard": _card(one.new), "oldCreditCard": _card(one.old)}


def _card(instrument: Instrument) -> dict[str, Any]:
    return {"cardNumber": instrument.masked, "expirationDate": instrument.expires, "cardType": instrument.brand}
