from collections.abc import Iterator

import pytest

from tests.payments.india.cast import Scene, scene


@pytest.fixture(name="at")
def _at(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    with scene(monkeypatch) as found:
        yield found
