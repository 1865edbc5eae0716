from collections.abc import Iterator

import pytest

from tests.payments.charging.cast import Scene, charging_scene


@pytest.fixture
def scene(transactional_db: None) -> Iterator[Scene]:
    with charging_scene() as found:
        yield found
