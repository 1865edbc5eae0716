from collections.abc import Iterator
from unittest.mock import patch

import pytest

from billing.office import clock
from tests.builders import NOW
from tests.payments.charging.cast import Scene, charging_scene
from tests.sandbox.clock import Clock


@pytest.fixture
def scene(transactional_db: None) -> Iterator[Scene]:
    with charging_scene(clock=Clock(NOW)) as found, patch.object(clock, "now", lambda: NOW):
        yield found
