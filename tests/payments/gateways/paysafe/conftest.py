from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.payments.gateways.paysafe.desk import Desk
from tests.sandbox.clock import Clock
from tests.sandbox.paysafe import Paysafe
from tests.sandbox.server import running

# In the afternoon, so that no test runs over a night it did not ask for.
NOW = datetime(2026, 3, 9, 15, 0, tzinfo=UTC)


@pytest.fixture
def desk() -> Iterator[Desk]:
    sandbox = Paysafe(Clock(NOW))
    with running(sandbox) as server:
        yield Desk(sandbox, server)
