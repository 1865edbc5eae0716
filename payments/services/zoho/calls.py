"""Reaching Zoho for an account, and keeping the log of what was said."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import partial

from django.db import connection

from billing.transactions import in_transaction, transaction_required
from payments.gateways.registry import NotConfigured, gateway_for
from payments.gateways.wire import Exchange
from payments.gateways.zoho import Gateway
from payments.gateways.zoho.trouble import Unreachable
from payments.models import GatewayAccount, GatewayExchange


@contextmanager
def zoho_at(account: GatewayAccount, now: datetime, *, keep: bool) -> Iterator[Gateway]:
    """An adapter for one piece of work, outside transactions. keep: write down what was said, however it ends.

    Raises Unreachable where the environment has no such credentials.
    """
    assert not connection.in_atomic_block, "a call is made with nothing locked"
    try:
        gateway, wire = gateway_for(account.configuration)
    except NotConfigured as trouble:
        raise Unreachable(f"not configured: {trouble}") from None
    assert isinstance(gateway, Gateway)
    try:
        yield gateway
    finally:
        if keep:
            in_transaction(partial(_keep, account=account, exchanges=wire.exchanges, now=now))


@transaction_required
def _keep(*, account: GatewayAccount, exchanges: list[Exchange], now: datetime) -> None:
    GatewayExchange.objects.bulk_create(
        GatewayExchange(
            gateway_account=account, method=one.method[:8], url=one.url, asked=one.asked.replace("\0", ""),
            answered=one.answered.replace("\0", ""), status=one.status, seconds=Decimal(str(one.seconds)),
            trouble=one.trouble[:40], at=now,
        )
        for one in exchanges
    )  # fmt: skip
