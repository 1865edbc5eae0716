from collections.abc import Iterator

import pytest

from tests.payments.charging.cast import Scene, charging_scene
from tests.payments.routing.cast import Two, two_gateways


@pytest.fixture
def scene(transactional_db: None) -> Iterator[Scene]:
    with charging_scene() as found:
        yield found


@pytest.fixture
def two(transactional_db: None) -> Iterator[Two]:
    with two_gateways() as found:
        yield found
