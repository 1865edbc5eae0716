"""Whoever asks for a record that is not theirs is answered as if it had never been made (R168, security list 10).

The addresses come from the URL table. Time cannot be compared in a test without luck; the same status, the same text
and the same questions to the database are the same path through the code, hence the same time.
"""

import logging

from django.test import Client
from django.views.generic import RedirectView

from billing.office.api_clients import MACHINE_ROLES
from tests import builders as b
from tests.guards.isolation import addresses as table
from tests.guards.isolation.addresses import Address, addresses
from tests.guards.isolation.asking import (
    Answer,
    Ask,
    all_staff,
    answer,
    asking,
    browser,
    family_of,
    linked,
    program,
    teacher_of,
    unlike,
)
from tests.guards.isolation.records import NEVER_MADE, School

METHODS = ("get", "post")
API_METHODS = (*METHODS, "patch", "delete")


def test_R168_every_address_with_an_id_is_known_to_the_probe() -> None:
    assert table.unknown() == [], "say in tests/guards/isolation/addresses.py which record these are about"


def test_no_line_of_the_registry_is_about_an_address_that_is_gone() -> None:
    used = {one.start for one in addresses()}
    assert {*table.RECORDS, *table.NO_RECORD, *table.SECRETS} - used == set()
    assert {one.route for one in addresses()} >= table.NEEDS_A_STATE


def test_R168_what_is_not_ones_own_is_answered_as_what_was_never_made(db: None) -> None:
    logging.disable(logging.CRITICAL)  # thousands of refusals, each with its traceback
    try:
        probe = Probe()
        for address in addresses():
            if address.record:
                probe.look_at(address)
    finally:
        logging.disable(logging.NOTSET)
    assert "\n".join(probe.told) == ""
    assert "\n".join(probe.unproven) == ""


class Probe:
    """Asks for the records of one school as everybody who may not. told: who learnt something. unproven: addresses at
    which nobody found the record, so that its being hidden from others shows nothing."""

    def __init__(self) -> None:
        here, there = self.school, self.other = School("heron", ahead=3), School("magpie")
        self.told: list[str] = []
        self.unproven: list[str] = []
        self.owners = {"parent": family_of(here), "teacher": teacher_of(here)}
        staff, other_staff = all_staff(here), all_staff(there)
        self.strangers = {
            "nobody": asking(Client()), "another family": browser(linked(b.customer(here.org, "Eve"))),
            "another school's family": family_of(there), "another school's teacher": teacher_of(there),
            "another school's staff": other_staff,
        }  # fmt: skip
        self.staff, self.other_staff = {"staff": staff}, {"staff": other_staff}
        self.clients = {str(role): program(here, role) for role in MACHINE_ROLES}
        self.other_clients = {str(role): program(there, role) for role in MACHINE_ROLES}
        self.turned_away: dict[tuple[str, str], Answer] = {}
        for address in addresses():
            if address.record:
                here.value(address.record)

    def look_at(self, address: Address) -> None:
        mine, missing = self._paths(address)
        if address.route.startswith("api/"):
            finder = self._finder(self.clients, mine, missing, API_METHODS)
            self._compare(address, {"nobody": self.strangers["nobody"]} | self._same(self.other_clients, finder))
        elif not address.route.startswith("console/"):
            finder = self._finder(self.owners, mine, missing, METHODS)
            self._compare(address, self.strangers)
        else:
            self._turn_away(address, mine)
            if is_redirect(address):
                return
            finder = self._finder(self.staff, mine, missing, METHODS)
            if not table.of_platform(address):
                self._compare(address, self._same(self.other_staff, finder))
        if not finder and address.route not in table.NEEDS_A_STATE:
            self.unproven.append(address.route)

    def _paths(self, address: Address) -> tuple[str, str]:
        """The same address for the school's record, and for one that was never made."""
        own = self.school.value(address.record)
        never = NEVER_MADE if isinstance(own, int) else own[:-1] + ("8" if own.endswith("9") else "9")
        return self.school.path(address), self.school.path(address, **{address.key: never})

    def _finder(self, people: dict[str, Ask], mine: str, missing: str, methods: tuple[str, ...]) -> str:
        """Who, of those at home, is answered otherwise for the record than for none; empty if nobody."""
        closed = True
        for who, ask in people.items():
            for method in methods:
                status = answer(ask, method, mine).status
                closed = closed and status in (403, 405)
                if status not in (403, 405) and status != answer(ask, method, missing).status:
                    return who
        return next(iter(people)) if closed else ""  # closed to all: rows of money are deleted by nobody

    def _same(self, people: dict[str, Ask], finder: str) -> dict[str, Ask]:
        """Elsewhere, who holds the role of the one who found it."""
        who = finder or next(iter(people))
        return {f"another school's {who}": people[who]}

    def _compare(self, address: Address, people: dict[str, Ask]) -> None:
        mine, missing = self._paths(address)
        methods = API_METHODS if address.route.startswith("api/") else METHODS
        for who, ask in people.items():
            for method in methods:
                if what := told(ask, method, mine, missing):
                    self.told.append(f"{address.route}: {method} as {who}: {what}")

    def _turn_away(self, address: Address, mine: str) -> None:
        """Whoever does not work here is turned away from every address of the console in the same words."""
        for who, method, ask in [
            ("nobody", "get", self.strangers["nobody"]), ("nobody", "post", self.strangers["nobody"]),
            ("the family", "get", self.owners["parent"]), ("a teacher", "post", self.owners["teacher"]),
        ]:  # fmt: skip
            if (who, method) not in self.turned_away:
                self.turned_away[who, method] = answer(ask, method, f"/console/customers/{NEVER_MADE}/")
            usual, found = self.turned_away[who, method], answer(ask, method, mine)
            if usual != found:
                self.told.append(f"{address.route}: {method} as {who} answered {found.status}")


def told(ask: Ask, method: str, mine: str, missing: str) -> str:
    """What differs between the answers for a record and for none."""
    own, none = answer(ask, method, mine), answer(ask, method, missing)
    if own != none:  # what is remembered between two requests may differ once
        own, none = answer(ask, method, mine), answer(ask, method, missing)
    return unlike(own, none) if own.status in (302, 401, 403, 404, 405) else f"answered {own.status}"


def is_redirect(address: Address) -> bool:
    """Sends on to another address, without a look at the record."""
    return getattr(address.pattern.callback, "view_class", None) is RedirectView
