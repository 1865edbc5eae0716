"""`manage.py qualify_gateway NAME`: try a set of credentials at the real processor, step by step. Off by default.

What the processor's documents leave open is settled by one live try with test credentials: each step prints what was
asked and what is known of the answer. Nothing is written to the database. With a token of the processor's fields money
moves: a small charge, found again by its key, and voided.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from billing.errors import BadInput
from billing.money import EXPONENTS, parse_amount
from billing.office import clock
from payments.gateways.base import (
    GatewayDown,
    GatewayRef,
    HostedToken,
    Instrument,
    Kind,
    MethodRef,
    Money,
    NotSupported,
    OrderHint,
    OrderRef,
    Outcome,
    PayerRef,
    PaymentGateway,
    Result,
    StoredCredential,
    money,
)
from payments.gateways.registry import NotConfigured, gateway_for
from payments.gateways.wire import scrub
from payments.services.attempts import key_of


class Command(BaseCommand):
    help = "Tries a set of credentials at the real processor. Only with QUALIFY_GATEWAYS=1 in the environment."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="of GATEWAYS")
        parser.add_argument("--token", default="", help="of the processor's own fields; then a small charge is made")
        parser.add_argument("--bank", action="store_true", help="the token is of a bank account")
        parser.add_argument("--amount", default="1.00")
        parser.add_argument("--currency", default="USD", choices=sorted(EXPONENTS))

    def handle(self, *, name: str, token: str, bank: bool, amount: str, currency: str, **options: Any) -> None:
        if not settings.QUALIFY_GATEWAYS:
            raise CommandError("This speaks to the real processor. Set QUALIFY_GATEWAYS=1 if that is meant.")
        try:
            gateway, _wire = gateway_for(name)
            asked = money(parse_amount(amount, currency), currency)
        except NotConfigured as missing:
            raise CommandError(f"GATEWAYS has no usable {missing}.") from None
        except BadInput as trouble:
            raise CommandError(f"--amount: {trouble}") from None
        now = clock.now()
        self._say("capabilities", ", ".join(sorted(gateway.capabilities)))
        hint = OrderHint(Kind.SALE, asked, "0000", now - timedelta(hours=1))
        self._step("find a key never used", lambda: gateway.find(self._key(), hint))
        self._step("settlement of yesterday", lambda: list(gateway.settlement((now - timedelta(days=1)).date())))
        self._step("news of methods", lambda: list(gateway.updates(now - timedelta(days=1))))
        if token:
            kind = Instrument.BANK if bank else Instrument.CARD
            self._charge(gateway, HostedToken(token, kind), asked)

    def _charge(self, gateway: PaymentGateway, token: HostedToken, asked: Money) -> None:
        payer = PayerRef(f"qualify-{uuid4().hex[:8]}", "Test Payer", "test@example.com", postal_code="77777")
        stored = self._result("store", lambda: gateway.store(token, payer, self._key()))
        if stored is None or not stored.token:
            raise CommandError("It was not stored.")
        method = MethodRef(stored.token, token.instrument, stored.payer_id, stored.view.last4 if stored.view else "")
        self._result("verify", lambda: gateway.verify(method, self._key(), payer))
        key, sent = self._key(), clock.now()
        first = StoredCredential(initiated_by_payer=True, is_first=True, plan="unscheduled")
        order = OrderRef("QUALIFY", "Qualification")
        charged = self._result("charge", lambda: gateway.charge(method, asked, key, order, first))
        hint = OrderHint(Kind.SALE, asked, method.last4, sent, token.instrument, payer_id=method.payer_id)
        self._step("find it by its key", lambda: gateway.find(key, hint))
        if charged is not None and charged.ref and charged.outcome in (Outcome.APPROVED, Outcome.PENDING):
            ref = GatewayRef(charged.ref, token.instrument, charged.related, method.last4)
            self._result("how it stands", lambda: gateway.status(ref))
            self._result("void", lambda: gateway.void(ref, asked, self._key()))
        self._result("delete the method", lambda: gateway.delete_method(method, self._key()))

    def _key(self) -> str:
        return key_of(0, uuid4().hex)

    def _result(self, what: str, work: Callable[[], Result]) -> Result | None:
        try:
            result = work()
        except NotSupported:
            self._say(what, "not supported")
            return None
        self._say(what, self._told(result))
        return result

    def _step(self, what: str, work: Callable[[], Iterable[object]]) -> None:
        try:
            found = list(work())
        except (NotSupported, GatewayDown) as trouble:
            self._say(what, f"{type(trouble).__name__} {trouble}".strip())
            return
        self._say(what, f"{len(found)} found")
        for one in found[:3]:
            self._say("", self._told(one) if isinstance(one, Result) else scrub(str(one)))

    def _told(self, result: Result) -> str:
        facts = (result.outcome, result.reason, result.state, result.ref, result.raw_code, scrub(result.raw_text))
        return "  ".join(str(fact) for fact in facts if fact)

    def _say(self, what: str, text: str) -> None:
        self.stdout.write(f"{what:<26}{text}")
