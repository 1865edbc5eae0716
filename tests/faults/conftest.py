from collections.abc import Iterator

import pytest

from tests.faults.worker import Workers, workers
from tests.payments.charging.cast import Scene, charging_scene


@pytest.fixture
def scene(transactional_db: None) -> Iterator[Scene]:
    with charging_scene() as found:
        yield found


@pytest.fixture(scope="module")
def crew(django_db_setup: None) -> Iterator[Workers]:
    """Started once a module: what costs is to start Python, not to fork it."""
    with workers() as found:
        yield found
