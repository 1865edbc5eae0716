"""Sending a call, and looking up what became of one."""

from collections.abc import Mapping
from dataclasses import replace

from payments.gateways.base import (
    Advice,
    GatewayDown,
    GatewayRef,
    Instrument,
    Kind,
    Money,
    Outcome,
    Reason,
    Result,
    State,
)
from payments.gateways.precisepay import codes, fields
from payments.gateways.precisepay.line import Line, TooOften
from payments.gateways.precisepay.reading import kind_of, read
from payments.gateways.precisepay.records import Odd, Stored, Transaction, stored, transactions
from payments.gateways.precisepay.replies import Call, judge
from payments.gateways.wire import Lost, NotSent

TOOK = (Outcome.APPROVED, Outcome.PENDING)
# Of several things under one key, which counts.
COUNTS = (*TOOK, Outcome.UNKNOWN, Outcome.DECLINED, Outcome.ERROR)
NOT_TAKEN_BACK = "The amount charged to verify it is not taken back yet."


class Desk:
    """currency: of what names none."""

    def __init__(self, line: Line, currency: str) -> None:
        self.line, self.currency = line, currency

    # Doing

    def send(self, call: Call, form: Mapping[str, str]) -> Result:
        """One call and the result of it. Where a duplicate is refused, the one that was made first is looked up."""
        try:
            result = judge(call, self.line.post(form))
        except TooOften:
            refused = call.result(Outcome.ERROR, Reason.GATEWAY_ERROR, "Too many requests", "429")
            return replace(refused, advice=Advice.RETRY_AFTER)
        except NotSent as trouble:
            return call.result(Outcome.ERROR, Reason.GATEWAY_ERROR, str(trouble))
        except Lost as trouble:
            return call.result(Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT, str(trouble))
        return self._earlier(call, result) if result.reason == Reason.DUPLICATE else result

    def take(self, call: Call, form: Mapping[str, str]) -> Result:
        """A charge or authorisation. What is refused as a duplicate though nothing carries our key is like another
        payment, as of two siblings with one card (fault F21): it is sent once more without that check.

        Only this one call ever carries the key, and it was refused, so it is certainly not carried out.
        """
        result = self.send(call, form)
        if not _is_like_another(result) or not self._is_absent(call):
            return result
        again = self.send(call, {**form, "dup_seconds": fields.NO_DUP_CHECK})
        keeps_check = again.outcome == Outcome.ERROR and bool(codes.KEEPS_CHECK.search(again.raw_text))
        if keeps_check or _is_like_another(again):
            return replace(again, outcome=Outcome.ERROR, reason=Reason.DUPLICATE)
        return again

    def void(self, ref: GatewayRef, money: Money | None, key: str) -> Result:
        """Accepted is not done yet: it counts once the record says so. One that was voided before is voided."""
        call = Call(Kind.VOID, key, ref.instrument, money, ref.ref)
        result = self.send(call, fields.following("void", ref))
        if result.outcome not in (Outcome.APPROVED, Outcome.DECLINED):
            return result
        seen = next((one for one in self._looked_up(call) if one.outcome == Outcome.APPROVED), None)
        if result.outcome == Outcome.DECLINED:
            return (
                replace(result, outcome=Outcome.APPROVED, reason=None, state=State.VOIDED, existing=True)
                if seen
                else result
            )
        return result if seen else replace(result, outcome=Outcome.UNKNOWN, reason=Reason.GATEWAY_TIMEOUT, state=None)

    def refund(self, ref: GatewayRef, money: Money, key: str) -> Result:
        form = fields.following("refund", ref) | {"amount": fields.amount(money), "orderid": key}
        return self.send(Call(Kind.REFUND, key, ref.instrument, money, ref.ref), form)

    def take_back(self, ref: GatewayRef, money: Money, key: str) -> bool:
        """Void what was charged to verify a card, or refund it once it is settled. Whether it is taken back."""
        if self.void(ref, money, key).outcome == Outcome.APPROVED:
            return True
        try:
            return self._given_back(Call(Kind.REFUND, f"{key}-R", ref.instrument, money, ref.ref), ref, money)
        except (GatewayDown, Odd):
            return False

    def _given_back(self, back: Call, ref: GatewayRef, money: Money) -> bool:
        """Refunded, now or before. Raises GatewayDown, Odd; then no refund was asked for."""
        known = self.found(back)
        if known:
            return any(one.outcome in TOOK for one in known)
        sale = self.by_ref(ref.ref)
        is_settled = sale is not None and sale.condition == "complete"
        return is_settled and self.refund(ref, money, back.key).outcome in TOOK

    # Looking up

    def found(self, call: Call) -> list[Result]:
        """All that there is of a call, [] where nothing shows by now. Raises GatewayDown, Odd."""
        if call.kind == Kind.STORE:
            record = self.record(call.key)
            return [kept(call, record)] if record else []
        if call.kind == Kind.DELETE:
            return [] if self.record(call.related) else [replace(call.result(Outcome.APPROVED), existing=True)]
        if call.kind == Kind.VERIFY:
            return self._verified(call)
        if call.kind in (Kind.VOID, Kind.CAPTURE):
            followed = self.by_ref(call.related)
            rows = [followed] if followed else []
        else:
            rows = self.by_key(call.key)
            if not rows and call.kind == Kind.REFUND:
                return self._nameless(call)
        results = [read(one, call.kind, call.key, self.currency) for one in rows]
        return [replace(one, related=call.related) for one in results if one is not None]

    def standing(self, ref: str) -> Result:
        """How something stands by itself, whatever was asked for. Raises GatewayDown, Odd."""
        found = self.by_ref(ref)
        kind = kind_of(found) if found else None
        result = read(found, kind, found.key, self.currency) if found and kind else None
        if result is None:
            raise GatewayDown(f"nothing is known of {ref}")
        return result

    def by_key(self, key: str) -> list[Transaction]:
        return [one for one in transactions(self.line.ask({"order_id": key})) if one.key == key]

    def by_ref(self, ref: str) -> Transaction | None:
        if not ref:
            raise GatewayDown("no reference to ask for")
        rows = transactions(self.line.ask({"transaction_id": ref}))
        return next((one for one in rows if one.ref == ref), None)

    def record(self, token: str) -> Stored | None:
        """A record of the vault. Raises GatewayDown, Odd."""
        if not token:
            raise GatewayDown("no record to ask for")
        root = self.line.ask({"report_type": "customer_vault", "customer_vault_id": token})
        return next((one for one in stored(root) if one.token == token), None)

    def _earlier(self, call: Call, result: Result) -> Result:
        """The gateway did something like it before. It is ours only if it carries our key; else nobody knows."""
        return min(self._looked_up(call), key=lambda one: COUNTS.index(one.outcome), default=result)

    def _is_absent(self, call: Call) -> bool:
        """Whether the processor says, asked, that it has nothing with our key; no answer is no proof."""
        try:
            return not self.found(call)
        except (GatewayDown, Odd):
            return False

    def _looked_up(self, call: Call) -> list[Result]:
        try:
            return self.found(call)
        except (GatewayDown, Odd):
            return []

    def _nameless(self, call: Call) -> list[Result]:
        """A refund of that amount under the order id of the sale may be ours, stripped of our key: a person looks."""
        sale = self.by_ref(call.related)
        rows = [read(one, Kind.REFUND, call.key, self.currency) for one in (self.by_key(sale.key) if sale else [])]
        return [
            call.result(Outcome.UNKNOWN, Reason.GATEWAY_ERROR, f"{one.ref} is a refund without our key")
            for one in rows
            if one is not None and one.outcome in TOOK and one.money == call.money
        ][:1]

    def _verified(self, call: Call) -> list[Result]:
        """By a look at the card, or by a small charge that is taken back; one that still stands is taken back now."""
        results: list[Result] = []
        for one in self.by_key(call.key):
            charged = read(one, Kind.SALE, call.key, self.currency)
            if charged is None:
                looked = read(one, Kind.VERIFY, call.key, self.currency)
                results += [looked] if looked is not None and not needs_amount(looked) else []
                continue
            ref = GatewayRef(one.ref, Instrument(one.instrument))
            if charged.state != State.VOIDED and charged.outcome in TOOK and charged.money is not None:
                results.append(small_charge(charged, self.take_back(ref, charged.money, call.key)))
            else:
                results.append(small_charge(charged, charged.state == State.VOIDED))
        return results


def _is_like_another(result: Result) -> bool:
    """Whether the gateway itself refused it as a duplicate; one at the bank's processor (430) no field lets through."""
    is_duplicate = result.outcome == Outcome.UNKNOWN and result.reason == Reason.DUPLICATE
    return is_duplicate and result.raw_code == codes.BY_GATEWAY


def needs_amount(result: Result) -> bool:
    """Whether the account looks at no card without an amount: then the look said nothing of the card."""
    if result.outcome != Outcome.ERROR:
        return False
    is_said = bool(codes.NO_ZERO_TEXT.search(result.raw_text))
    return result.raw_code in codes.NO_ZERO or (result.raw_code == codes.BY_GATEWAY and is_said)


def kept(call: Call, record: Stored) -> Result:
    return replace(
        call.result(Outcome.APPROVED), token=record.token, payer_id=record.token, view=record.view, existing=True
    )


def small_charge(charged: Result, is_back: bool) -> Result:
    """What a charge that was made to verify a card says of the card. Until it is taken back that is not settled."""
    plain = replace(charged, kind=Kind.VERIFY, money=None, approved=None)
    if is_back:
        return replace(plain, outcome=Outcome.APPROVED, reason=None, state=State.VOIDED)
    if charged.outcome in TOOK:
        return replace(plain, outcome=Outcome.UNKNOWN, reason=Reason.GATEWAY_ERROR, raw_text=NOT_TAKEN_BACK)
    return plain
