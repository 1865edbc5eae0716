from collections.abc import Iterator
from typing import Any

import pytest

from tests.payments.recovery.cast import School, school


@pytest.fixture
def place(transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[School]:
    """One processor."""
    with school(monkeypatch, settings) as made:
        yield made.open()


@pytest.fixture
def two(transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[School]:
    """Two processors."""
    with school(monkeypatch, settings, "precisepay", "second") as made:
        yield made.open()
