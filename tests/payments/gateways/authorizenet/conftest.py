from collections.abc import Iterator

import pytest

from tests.payments.gateways.authorizenet.desk import Desk, desk


@pytest.fixture(name="at")
def _at() -> Iterator[Desk]:
    """A fresh account at the double."""
    with desk() as found:
        yield found
