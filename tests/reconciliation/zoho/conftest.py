from collections.abc import Iterator

import pytest

from tests.payments.zoho.cast import Scene, zoho_scene


@pytest.fixture
def scene(transactional_db: None) -> Iterator[Scene]:
    with zoho_scene() as found:
        yield found
