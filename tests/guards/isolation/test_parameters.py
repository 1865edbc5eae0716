"""Whatever names a record in a query or a form: another's is answered as one that was never made (R168, list 10).

Every page is asked for what is one's own, every form on it is sent as it stands, and each parameter that a view read
on the way is sent again with the key of a record of another family, with that of another school, and with one that was
never made. No key is taken from a list: one row of every kind has the same (records.Double).
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.db import transaction
from django.urls import Resolver404, resolve

from billing.office import clock
from billing.services.pay_links import make_pay_link, token_of
from tests.guards.isolation.addresses import addresses, plain_routes
from tests.guards.isolation.asking import Answer, all_staff, answer, family_of, program, teacher_of, unlike
from tests.guards.isolation.parameters import (
    Fields,
    Form,
    Notes,
    forms_of,
    names_records,
    noting,
    plain_names,
    with_value,
)
from tests.guards.isolation.records import Double, School

COUSIN, STRANGER, NOBODY = 777_000_001, 777_000_003, 777_000_002
SHOWN = 120
ROOMS = {"console/": "staff", "teacher/": "teacher", "api/": "program"}
# Pages of a table of the console that read nothing of their own.
GENERIC = ("/delete/", "/history/", "/<path:object_id>/")
# What one's own record is for parameters of a query, which no form of the page sends.
OWN = {
    "family/pay/ invoice": "billing.Invoice", "family/refunds/new/ payment": "payments.Payment",
    "family/disputes/new/ payment": "payments.Payment", "console/receive/ customer": "billing.Customer.code",
    "console/enrol/ customer": "billing.Customer.code",
}  # fmt: skip
# Parameters at which one's own must be told from what was never made, or that others' are not would show nothing.
MUST_BE_FOUND = {
    *OWN, "family/messages/ account", "family/pay/of/<int:customer_pk>/<str:currency>/ invoices",
    "family/plan-requests/new/ invoice", "pay/<str:token>/of/<str:currency>/ invoices",
    "console/agreements/<int:pk>/discount/ rule", "console/bank-files/ bank_account",
    "console/billing/student/<path:object_id>/change/ customer", "console/cash/safe/fetch/ bank_account",
    "console/collections/<int:pk>/assign/ collector", "console/credits/<int:pk>/reallocate/ apply-",
    "console/customers/<int:pk>/debt-plan/ invoice", "console/customers/invite/ customer",
    "console/matching-rules/new/ ledger_account", "console/payouts/<int:pk>/pay/ account",
    "console/plans/new/ tax_code",
}  # fmt: skip


def test_R168_parameters_that_name_what_is_not_ones_own_name_nothing(db: None) -> None:
    logging.disable(logging.CRITICAL)
    try:
        with noting() as notes:
            probe = Probe(notes)
            probe.run()
    finally:
        logging.disable(logging.NOTSET)
    assert "\n".join(sorted(probe.told)) == ""
    assert MUST_BE_FOUND - probe.found == set()


@dataclass
class Place:
    """An address as its owner asks for it. forms: (where they are sent, what) that any page sends there."""

    route: str
    path: str
    names: set[str] = field(default_factory=set)
    forms: dict[frozenset[str], tuple[str, Form]] = field(default_factory=dict)


class Probe:
    """told: who learnt something by which parameter. found: parameters by which one's own was told from nothing."""

    def __init__(self, notes: Notes) -> None:
        self.notes, self.told, self.found = notes, list[str](), set[str]()
        here = self.school = School("heron", ahead=3)
        for address in addresses():
            if address.record:
                here.value(address.record)
        self.others = {"another family": Double(COUSIN, here.org), "another school": Double(STRANGER)}
        for other in self.others.values():
            other.fill()
        self.people = {
            "parent": family_of(here), "teacher": teacher_of(here), "staff": all_staff(here),
            "program": program(here, "clerk"),
        }  # fmt: skip
        self.places = {route: Place(route, path) for route, path in self._paths()}

    def _paths(self) -> list[tuple[str, str]]:
        with transaction.atomic():
            link = make_pay_link(customer=self.school.customer, now=clock.now(), by=None)
        values = {"token": token_of(link), "currency": "USD", "pk": self.school.value("payments.PaymentAttempt")}
        found = [(route, f"/{route}") for route in plain_routes()]
        for one in addresses():
            if one.record:
                found.append((one.route, self.school.path(one)))
            elif one.route.startswith("pay/"):
                found.append((one.route, one.path({name: values.get(name, 1) for name in one.names})))
        return [
            (route, path) for route, path in found if not (route.startswith("console/") and route.endswith(GENERIC))
        ]

    def run(self) -> None:
        for place in self.places.values():
            self._read(place)
        for place in self.places.values():
            for name in sorted(plain_names(place.names)):
                self._ask(place, name)
            self._send(place)

    def _who(self, place: Place) -> str:
        return next((who for room, who in ROOMS.items() if place.route.startswith(room)), "parent")

    def _answer(
        self, place: Place, method: str, path: str, fields: Fields | None = None, key: int | str = NOBODY
    ) -> Answer:
        names = (f"{key:,}", str(key), str(UUID(int=key))) if isinstance(key, int) else (key,)
        return answer(self.people[self._who(place)], method, path, fields, names)

    def _read(self, place: Place) -> None:
        self.notes.take()
        page = self._answer(place, "get", place.path).text
        place.names |= self.notes.take()[0]
        for form in forms_of(page):
            to = urlsplit(form.action.replace("ADDRESS", place.path)).path or place.path
            try:
                target = self.places.get(resolve(to).route)
            except Resolver404:
                continue
            if target is not None and form.method == "post":
                target.forms.setdefault(frozenset(plain_names({*form.fields})), (to, form))
            elif target is not None:
                target.names |= {*form.fields} - form.words

    def _ask(self, place: Place, name: str) -> None:
        def ask(key: int | str) -> Answer:
            return self._answer(place, "get", f"{place.path}?{urlencode({name: key})}", key=key)

        none = ask(NOBODY)
        if (own := OWN.get(f"{place.route} {name}")) and unlike(ask(self.school.value(own)), none):
            self.found.add(f"{place.route} {name}")
        self._compare(place, "get", name, ask, none)

    def _send(self, place: Place) -> None:
        for to, form in list(place.forms.values()) or [(place.path, Form())]:
            for fields in form.sendings():
                self.notes.take()
                own = self._answer(place, "post", to, fields)
                if own.status in (403, 405):
                    break
                names = plain_names(self.notes.take()[1] | {*fields}) - form.words
                for name in sorted(names):
                    self._send_with(place, to, fields, name, own)

    def _send_with(self, place: Place, to: str, fields: Fields, name: str, own: Answer) -> None:
        def send(key: int) -> Answer:
            return self._answer(place, "post", to, with_value(fields, name, str(key)), key)

        none = send(NOBODY)
        if names_records(fields, name) and unlike(own, none):
            self.found.add(f"{place.route} {name}")
        self._compare(place, "post", name, send, none)

    def _others(self, place: Place) -> dict[str, Double]:
        """The staff of a school sees all its families."""
        inside = self._who(place) in ("parent", "teacher")
        return {who: one for who, one in self.others.items() if inside or who == "another school"}

    def _compare(self, place: Place, method: str, name: str, ask: Callable[[int], Answer], none: Answer) -> None:
        for who, one in self._others(place).items():
            theirs = ask(one.key)
            if unlike(theirs, none):  # the minute may have turned in between
                theirs, none = ask(one.key), ask(NOBODY)
            if what := unlike(theirs, none):
                self.told.append(f"{place.route}: {method} {name} of {who}: {difference(theirs, none, what)}")


def difference(theirs: Answer, none: Answer, what: str) -> str:
    """Where two answers part, with a little of each."""
    one, other = str(getattr(theirs, what)), str(getattr(none, what))
    parted = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    start = max(parted - SHOWN // 2, 0)
    return f"{what} …{one[start : start + SHOWN]!r} against …{other[start : start + SHOWN]!r}"
