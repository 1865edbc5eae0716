from collections.abc import Iterator

import pytest

from tests.payments.gateways.precisepay.desk import Desk
from tests.payments.methods import cast


@pytest.fixture
def at() -> Iterator[Desk]:
    with cast.at_precisepay() as desk:
        yield desk


@pytest.fixture
def ada(at: Desk, transactional_db: None) -> cast.Family:
    return cast.family(*cast.school())
