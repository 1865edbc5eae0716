"""ISO 20022 pain.002: which of our own orders the bank took, and which it refused. It moves no money by itself."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from reconciliation.formats.base import Entry, EntryState, Kind, Statement
from reconciliation.formats.camt_words import (
    account_of,
    amount_of,
    currency_of,
    day_of,
    deepest,
    first,
    parts,
    party_of,
    said,
    text_at,
    text_of,
)  # fmt: skip
from reconciliation.formats.source import Source
from reconciliation.formats.xml_stream import NAMES, OF_ANOTHER_KIND, is_xml, namespace_of, plain, release, stream

TAGS = ("GrpHdr", "OrgnlGrpInfAndSts", "OrgnlPmtInfAndSts", "TxInfAndSts")
SIGNS = (b"CstmrPmtStsRpt", b"pain.002.")
REJECTED = "RJCT"
KEPT = ("OrgnlPmtInfId", "PmtInfSts", "StsRsnInf")
MOST_CODES = 10_000  # told of the file as a whole


def sniff(head: bytes, name: str) -> bool:
    return is_xml(head) and any(sign in plain(head) for sign in SIGNS)


def read(source: Source) -> Iterator[Statement | Entry]:
    """One statement of RETURNS: an entry for each order with a status of its own, or for a refused batch as a whole.

    amount is 0: nothing moves. original_amount, original_reference: of the order. state: INFO for what was taken.
    """
    reader = _Reader()
    for event, element in stream(source, TAGS):
        yield from reader.take(event, element)
    if not reader.is_told:
        yield reader.statement


class _Reader:
    def __init__(self) -> None:
        self.statement = Statement(kind=Kind.RETURNS)
        self.is_told = False
        self.ordinal = 0
        self.batch: Any = None
        self.in_batch = 0

    def take(self, event: str, element: Any) -> Iterator[Statement | Entry]:
        match NAMES[element.tag], event:
            case "GrpHdr", "end":
                self.statement.number = text_at(element, "MsgId")
                namespace = namespace_of(element)
                if namespace and "pain.002." not in namespace:
                    self.statement.flag("unknown_namespace", OF_ANOTHER_KIND, namespace=namespace)
                release(element)
            case "OrgnlGrpInfAndSts", "end":
                yield from self._group(element)
            case "OrgnlPmtInfAndSts", "start":
                self.batch, self.in_batch = element, 0
            case "TxInfAndSts", "end":
                self.in_batch += 1
                yield from self._entry(element)
                release(element, keep=KEPT)
            case "OrgnlPmtInfAndSts", "end":
                yield from self._whole(element, "PmtInfSts", text_at(element, "OrgnlPmtInfId"), self.in_batch)
                self.batch = None
                release(element)

    def _group(self, element: Any) -> Iterator[Statement | Entry]:
        stated = {
            "original_message": text_at(element, "OrgnlMsgId"), "orders": text_at(element, "OrgnlNbOfTxs"),
            "orders_sum": text_at(element, "OrgnlCtrlSum"), "status": text_at(element, "GrpSts"),
        }  # fmt: skip
        self.statement.controls.update({name: text for name, text in stated.items() if text})
        self.statement.says_empty = stated["status"] not in ("", REJECTED)
        yield from self._whole(element, "GrpSts", stated["original_message"], 0)

    def _whole(self, element: Any, status: str, original: str, told_singly: int) -> Iterator[Statement | Entry]:
        """A message or batch refused as a whole, without a word on single orders."""
        state = text_at(element, status)
        if state != REJECTED or told_singly:
            if state:
                self.statement.says_empty = True
            return
        total = amount_of(first(element, "OrgnlCtrlSum"))
        yield from self._tell(self._build(element, state, original, total, ""))

    def _entry(self, element: Any) -> Iterator[Statement | Entry]:
        order = parts(first(element, "OrgnlTxRef"))
        paid = first(order.get("Amt"), "InstdAmt")
        paid = first(order.get("Amt"), "EqvtAmt", "Amt") if paid is None else paid
        paid = order.get("IntrBkSttlmAmt") if paid is None else paid
        e2e = said(text_at(element, "OrgnlEndToEndId"))
        state = text_at(element, "TxSts") or text_at(self.batch, "PmtInfSts")
        entry = self._build(element, state, e2e or text_at(element, "OrgnlInstrId"), amount_of(paid), currency_of(paid))
        entry.end_to_end_id = e2e
        # Of a direct debit (it has a mandate) the other side is the debtor.
        side = "Dbtr" if "MndtRltdInf" in order or "ReqdColltnDt" in order else "Cdtr"
        entry.party_name, entry.party_account = party_of(order.get(side)), account_of(order.get(side + "Acct"))
        entry.mandate = text_at(order.get("MndtRltdInf"), "MndtId") or text_at(
            order.get("MndtRltdInf"), "DrctDbtMndt", "MndtId"
        )
        entry.value_on = day_of(order.get("ReqdColltnDt")) or day_of(order.get("ReqdExctnDt"))
        yield from self._tell(entry)

    def _build(
        self, element: Any, state: str, original: str, amount: Decimal | None, currency: str
    ) -> Entry:  # fmt: skip
        self.ordinal += 1
        place = str(_("order {number}")).format(number=self.ordinal)
        reason = first(element, "StsRsnInf")
        reason = first(self.batch, "StsRsnInf") if reason is None else reason
        code = deepest(first(reason, "Rsn"))
        codes = self.statement.extra.setdefault("reason_codes", [])
        if code and len(codes) < MOST_CODES:
            codes.append(code)
        if state == REJECTED and not code:
            self.statement.flag("no_reason", _("It was refused without a reason."), place)
        return Entry(
            self.ordinal, place, Decimal(0), currency=currency, code=state, return_code=code,
            state=EntryState.BOOKED if state == REJECTED else EntryState.INFO,
            bank_reference=text_at(element, "StsId"), original_reference=original, original_amount=amount,
            text=text_of(first(reason, "AddtlInf")) or text_of(first(reason, "AddtlStsRsnInf")),
        )  # fmt: skip

    def _tell(self, entry: Entry) -> Iterator[Statement | Entry]:
        if not self.is_told:
            self.is_told = True
            yield self.statement
        yield entry
