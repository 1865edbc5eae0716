from collections.abc import Iterator

import pytest

from tests.payments.gateways.precisepay.desk import Desk, desk


@pytest.fixture
def at() -> Iterator[Desk]:
    """A fresh account at the double."""
    with desk() as found:
        yield found
