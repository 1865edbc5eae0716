from collections.abc import Iterator

import pytest

from tests.payments.gateways.netbanking.desk import Desk, desk


@pytest.fixture(name="at")
def _at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with desk(monkeypatch) as found:
        yield found
