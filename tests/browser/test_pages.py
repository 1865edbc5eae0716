"""Every page a family reaches: accessible, no wider than the screen, no error of a script, at both sizes."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import builders
from tests.payments.gateways.precisepay.desk import Desk
from tests.payments.methods import cast

FAMILY = ("/family/", "/family/methods/", "/family/pay/")


@pytest.fixture
def at() -> Iterator[Desk]:
    with cast.at_precisepay() as desk:
        yield desk


@pytest.fixture
def ada(at: Desk, transactional_db: None) -> cast.Family:
    org, account = cast.school()
    family = cast.family(org, account)
    builders.invoice(family.customer, "240.00")
    return family


def test_pages_of_a_family(visit: Any, size: str, ada: cast.Family) -> None:
    visitor = visit(ada.user, size)
    for path in FAMILY:
        visitor.go(path)
        visitor.check()
