"""Verifying a card: a look without an amount, or 1.00 charged and taken back where the processor asks for one."""

from collections.abc import Mapping
from decimal import Decimal

from payments.gateways.base import GatewayRef, Kind, MethodRef, OrderRef, Outcome, PayerRef, Result, money
from payments.gateways.precisepay import fields
from payments.gateways.precisepay.desk import Desk, needs_amount, small_charge
from payments.gateways.precisepay.replies import Call

ORDER = "Verification"


def verify_card(desk: Desk, settings: Mapping[str, str], method: MethodRef, key: str, payer: PayerRef) -> Result:
    call = Call(Kind.VERIFY, key, method.instrument)
    result = desk.send(call, fields.verifying(settings, method, key, payer.ip))
    return _by_charge(desk, settings, method, key, payer) if needs_amount(result) else result


def _by_charge(desk: Desk, settings: Mapping[str, str], method: MethodRef, key: str, payer: PayerRef) -> Result:
    one = money(Decimal(1), desk.currency)
    order = OrderRef(number=ORDER, email=payer.email, ip=payer.ip)
    form = {"type": "sale", **fields.charging(settings, method, one, key, order, None)}
    charged = desk.send(Call(Kind.SALE, key, method.instrument, one), form)
    if charged.outcome != Outcome.APPROVED:
        return small_charge(charged, False)
    return small_charge(charged, desk.take_back(GatewayRef(charged.ref, method.instrument), one, key))
