"""Zoho's calls to the merchant: one webhook address for Billing, an address per channel for CRM."""

from collections.abc import Callable
from urllib.parse import urlsplit

import requests

from tests.sandbox.clock import Clock
from tests.sandbox.webhooks import TIMEOUT, Delivery, Webhooks

HERE = {"127.0.0.1", "localhost"}
# How often and when Zoho tries again is not published; these are ours.
RETRIES = (300.0, 1800.0, 7200.0)


class Posts(Webhooks):
    """run: does what has fallen due in the meantime, so that its events go out too."""

    def __init__(self, clock: Clock, run: Callable[[], None]) -> None:
        super().__init__(clock, RETRIES)
        self.run = run
        self.addresses: dict[str, str] = {}  # key of a delivery → where it goes instead

    def deliver_due(self) -> int:
        self.run()
        if self.muted:
            return 0
        calls = 0
        for row in self.due():
            if not (self.url or row.key in self.addresses):
                continue
            for _copy in range(1 + self.repeat):
                self.deliver(row)
                calls += 1
        return calls

    def deliver(self, row: Delivery) -> int:
        """As every webhook, to the row's own address where it has one; nowhere but this machine is called."""
        address = self.addresses.get(row.key, self.url)
        status = 0
        if urlsplit(address).hostname in HERE:
            try:
                whole = f"{address}{'?' if row.query else ''}{row.query}"
                status = requests.post(whole, data=row.body, headers=row.headers, timeout=TIMEOUT).status_code
            except requests.RequestException:
                status = 0
        self.noted(row, status)
        return status
