from collections.abc import Iterator

import pytest

from tests.payments.gateways.dwolla.desk import NOW, Desk, desk
from tests.sandbox.clock import Clock


@pytest.fixture(name="at")
def _at() -> Iterator[Desk]:
    with desk(clock=Clock(NOW)) as found:
        yield found
