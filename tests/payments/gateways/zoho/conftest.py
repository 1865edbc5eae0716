from collections.abc import Iterator

import pytest

from tests.payments.gateways.zoho.desk import Desk, desk


@pytest.fixture
def at() -> Iterator[Desk]:
    with desk() as found:
        yield found
