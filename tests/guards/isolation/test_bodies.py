"""Bodies of the API: whatever names a record in one, another school's is answered as one never made (R168).

Which fields there are is read from the serializers, so that a new one is probed by itself; a new address that takes a
body has to be given one here.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from rest_framework import serializers

from billing.api.fields import Text
from billing.api.lessons import AttendanceRequest
from billing.office import clock
from receipts.api.changes import CancelRequest, ChangeRequest
from receipts.api.orders import PaymentRequest
from tests import builders as b
from tests.agreements import lessons, provider
from tests.guards.isolation.asking import Answer, answer, program, unlike
from tests.guards.isolation.records import Double, School

STRANGER, NOBODY = 777_000_003, 777_000_002
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Body:
    """A good body. own: places in it that name a record; another's must be told from it, or nothing would be shown."""

    method: str
    path: str
    reads: type[serializers.Serializer[Any]]
    good: dict[str, Any]
    own: tuple[Path, ...]


def test_R168_an_id_in_a_body_that_is_not_ones_own_names_nothing(db: None) -> None:
    here, other = School("heron"), Double(STRANGER)
    other.fill()
    ask = program(here, "clerk")
    told, unproven = [], []
    for body in bodies(here):
        own = answer(ask, body.method, body.path, body.good)
        for place in (*body.own, *names_in(body.reads())):

            def send(key: int, place: Path = place, body: Body = body) -> Answer:
                return answer(ask, body.method, body.path, put(body.good, place, str(key)), (str(key), f"{key:,}"))

            none, theirs = send(NOBODY), send(STRANGER)
            if what := unlike(theirs, none):
                told.append(f"{body.method} {body.path} {place}: {what}")
            if place in body.own and own.status == none.status:
                unproven.append(f"{body.method} {body.path} {place}: {none.text}")
    assert told == []
    assert unproven == []


def test_R168_every_address_that_takes_a_body_is_known_to_the_probe(db: None) -> None:
    known = {(body.method, body.path.strip("/").split("/")[2]) for body in bodies(School("heron"))}
    schema: Any = SchemaGenerator().get_schema(public=True)
    takes = {
        (method, path.strip("/").split("/")[2])
        for path, methods in schema["paths"].items()
        for method, told in methods.items()
        if method in ("post", "put", "patch")
    }
    assert takes <= known


def bodies(here: School) -> list[Body]:
    today = here.org.today(clock.now())
    owed = b.invoice(here.customer, "30.00", issued_on=today, due_on=today)
    teacher = provider(here.org, "Heron Teacher")
    taught = lessons(here.customer, starts_on=today - timedelta(days=60), provider=teacher)
    assert taught.student is not None
    payment = {
        "amount": "10.00", "method": "cash", "received_on": today.isoformat(), "payer_name": "Ada",
        "customer": here.customer.code,
    }  # fmt: skip
    report = {
        "lesson": "L1", "starts_at": (clock.now() - timedelta(days=1)).isoformat(), "minutes": 30, "title": "Piano",
        "teacher": teacher.code, "agreement": taught.number, "student": taught.student.code, "status": "attended",
    }  # fmt: skip
    by_hand = {"allocations": [{"invoice": owed.number, "amount": "10.00"}]}
    kept = b.pay(
        here.customer, "40.00", received_on=today, now=clock.now(), strategy="none", lookalike_reason="x"
    ).payment
    one = f"/api/v1/payments/{kept.number}/"
    match = {"reconciled": True, "reconciliation_date": today.isoformat(), "statement_reference": "S1"}
    return [
        Body("post", "/api/v1/payments/", PaymentRequest, payment | {"invoice_numbers": [owed.number]},
             (("customer",), ("invoice_numbers", 0))),
        Body("post", "/api/v1/payments/", PaymentRequest, payment | by_hand, (("allocations", 0, "invoice"),)),
        Body("post", "/api/v1/attendance/", AttendanceRequest, {"reports": [report]},
             (("reports", 0, "agreement"), ("reports", 0, "student"), ("reports", 0, "teacher"))),
        Body("patch", one, ChangeRequest, match, ()),
        Body("delete", one, CancelRequest, {"reason": "paid twice"}, ()),
    ]  # fmt: skip


def names_in(one: Any, before: Path = ()) -> Iterator[Path]:
    """Where a serializer takes an identifier; of lists the first."""
    if isinstance(one, serializers.ListSerializer | serializers.ListField):
        yield from names_in(one.child, (*before, 0))
    elif isinstance(one, serializers.Serializer):
        for name, below in one.fields.items():
            yield from names_in(below, (*before, name))
    elif isinstance(one, Text) and not one.free:
        yield before


def put(body: dict[str, Any], place: Path, value: str) -> dict[str, Any]:
    """The same body with something else in one place, which is made where there is none."""
    changed = deepcopy(body)
    at: Any = changed
    for step, following in zip(place, (*place[1:], None), strict=True):
        new: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(at, list) and not at:
            at.append(new)
        elif following is None:
            at[step] = value
        else:
            at.setdefault(step, new) if isinstance(at, dict) else None
        at = at[step]
    return changed
