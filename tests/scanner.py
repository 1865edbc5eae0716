"""Looks for what may be nowhere (invariant 47): numbers of cards and accounts, security codes, single-use tokens of
hosted fields, and the secrets by which processors are spoken to.

It looks all the time, so that a leak fails the test that made it: before a test's committed rows are deleted at the
trail, which has every row of every audited table as it ever was, and at what is not audited: tables of payments, the
outbox, jobs, sign-in attempts; at what is logged, mailed and shown on error pages when it happens; at all files once
the session ends. Rows of a test that is rolled back are not looked at: what speaks to a processor commits. One question
to the database a test, a few milliseconds beside what it costs to delete the rows.
"""

import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core import mail
from django.core.signals import setting_changed
from django.db import connection
from django.test import Client
from structlog.stdlib import ProcessorFormatter

from billing.inputs import has_bank_account
from payments.gateways.values import HostedToken
from payments.selectors.card_numbers import ROUGHLY, card_numbers
from payments.selectors.invariants.methods import REFERENCES

# Tables besides those of payments without a trail in which something could come to rest. Of methods the trail leaves
# out what is sealed.
ELSEWHERE = (
    "office_auditentry", "office_notice", "payments_paymentmethod", "django_q_ormq", "django_q_task", "django_session",
    "axes_accessattempt", "axes_accesslog", "axes_accessfailurelog",
)  # fmt: skip
# A security code, a routing or account number or a cryptogram that stands beside its name.
NAMED = re.compile(
    r"""(?ix)\b(cvv2?|cvc2?|card_?code|security_code|check_?aba|check_?account|routing_?number|account_?number|cavv)
    ["']? \s* [=:>] \s* ["']? (\d{3,17}) \b"""
)
PAIR_ROUGHLY = r"[0-9]{9}[^0-9A-Za-z]{1,3}[0-9]{6,17}|[0-9]{6,17}[^0-9A-Za-z]{1,3}[0-9]{9}"
NAMED_ROUGHLY = r"(cvv|cvc|code|aba|account|routing_?number|account_?number|cavv)[\"']?\s*[=:>]\s*[\"']?[0-9]{3,17}"
SHORTEST = 10  # of a secret that is looked for; a shorter one could be a word
PUBLIC = ("tokenization_key", "public_key", "client_key")
SECRET = re.compile(r"(secret|password|_key|token|salt)$")
LARGEST_FILE = 2_000_000
FORM_REFUSED = 422


@dataclass
class Watch:
    """secrets: of settings.GATEWAYS so far. tokens: minted during this test. found: places, never what was there."""

    secrets: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    found: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)

    # What is looked for

    def learn(self, gateways: Any) -> None:
        """The secret ones of settings.GATEWAYS."""
        for settings in (gateways or {}).values():
            self.secrets |= {
                value
                for name, value in settings.items()
                if SECRET.search(name) and name not in PUBLIC and len(value) >= SHORTEST
            }

    def what_is_in(self, text: str, *, numbers: bool = True) -> Iterator[str]:
        """What kinds of things a text holds. numbers: whether a long number could be a card's there."""
        if numbers:
            yield from ("the number of a card" for _each in card_numbers(text))
            yield from ("a bank account",) * has_bank_account(text)
            yield from (f"a {found[1].lower()}" for found in NAMED.finditer(text))
        yield from ("a secret" for secret in self.secrets if secret in text)
        yield from ("a token" for token in self.tokens if token in text)

    # Where

    def look(self, text: str, where: str, *, numbers: bool = True) -> None:
        self.found += [f"{where}: {what}" for what in self.what_is_in(text, numbers=numbers)]

    def look_at_rows(self) -> None:
        """All that is committed, in one question; only rows that look suspicious come back."""
        with connection.cursor() as cursor:
            self.tables = self.tables or _tables(cursor)
            rows = " UNION ALL ".join(
                f"SELECT '{table}' AS t, to_jsonb(r) AS row FROM {table} r WHERE r::text ~* %(wanted)s"
                for table in self.tables
            )
            cursor.execute(rows, {"wanted": self._roughly()})
            found = cursor.fetchall()
        for table, row in found:
            self._look_into(_parsed(row), f"{table} {_parsed(row).get('id')}")

    def _roughly(self) -> str:
        exact = [re.escape(text) for text in sorted(self.secrets | self.tokens)]
        return "|".join([ROUGHLY, PAIR_ROUGHLY, NAMED_ROUGHLY, *exact])

    def _look_into(self, value: Any, where: str, name: str = "") -> None:
        if isinstance(value, dict):
            for key, leaf in value.items():
                self._look_into(leaf, f"{where}.{key}", key.lower())
        elif isinstance(value, list):
            for leaf in value:
                self._look_into(leaf, where, name)
        elif value is not None:
            is_reference = name in REFERENCES or name.endswith(("id", "_ref", "reference", "hash"))
            text = f"{name}={value}" if name in ("cvv", "cvc") else str(value)
            self.look(text, where, numbers=not is_reference)

    def look_at_mail(self) -> None:
        for message in getattr(mail, "outbox", ()):
            self.look(f"{message.subject}\n{message.body}", f"mail {message.subject!r}")

    def look_at_files(self, place: Path) -> None:
        for path in sorted(place.rglob("*")):
            if path.is_file() and path.stat().st_size <= LARGEST_FILE:
                self.look(path.read_bytes().decode("utf-8", errors="ignore"), str(path.relative_to(place)))

    def look_at_response(self, response: Any) -> None:
        """An error page. A form that is refused (422) comes back to its typist as they typed it, and goes nowhere."""
        if response.status_code >= 400 and response.status_code != FORM_REFUSED and not response.streaming:
            self.look(response.content.decode(errors="replace"), f"error page {response.status_code}")

    # What follows

    def check(self) -> None:
        """Raises AssertionError, once for each finding."""
        found, self.found = sorted(set(self.found)), []
        assert not found, "what may be nowhere was found (invariant 47):\n" + "\n".join(found)


def _tables(cursor: Any) -> list[str]:
    cursor.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = current_schema() AND c.relkind = 'r'"
        " AND (c.relname = ANY(%s) OR c.relname LIKE 'payments\\_%%' AND NOT EXISTS (SELECT FROM pg_trigger t"
        " WHERE t.tgrelid = c.oid AND t.tgname = 'audit_insert')) ORDER BY 1",
        [list(ELSEWHERE)],
    )
    return [name for (name,) in cursor.fetchall()]


def _parsed(row: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(row) if isinstance(row, str) else row
    return parsed


class Listener(logging.Handler):
    """Hears what every logger says, as it is written down: of the first handler's making."""

    def __init__(self, watch: Watch, root: logging.Logger) -> None:
        super().__init__(logging.DEBUG)
        self.watch = watch
        makers = [one.formatter for one in root.handlers if isinstance(one.formatter, ProcessorFormatter)]
        self.setFormatter(makers[0])

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.watch.look(self.format(record), f"log {record.name}")
        except Exception:  # as logging wants it: a line that cannot be written breaks nothing
            self.handleError(record)


def begin(watch: Watch) -> Callable[[], None]:
    """Start watching settings, tokens, logs and error pages; returns how to stop."""
    root = logging.getLogger()
    listener = Listener(watch, root)
    init, request = HostedToken.__init__, Client.request

    def learned(*, setting: str, value: Any, **_more: Any) -> None:
        if setting == "GATEWAYS":
            watch.learn(value)

    def minted(self: HostedToken, value: str, *rest: Any, **more: Any) -> None:
        if len(value) >= SHORTEST and not value.startswith("http"):  # an address names a stored method, openly
            watch.tokens.add(value)
        init(self, value, *rest, **more)

    def answered(self: Client, **what: Any) -> Any:
        response = request(self, **what)
        watch.look_at_response(response)
        return response

    def stop() -> None:
        setting_changed.disconnect(learned)
        HostedToken.__init__ = init  # type: ignore[method-assign]
        Client.request = request  # type: ignore[method-assign]
        root.removeHandler(listener)

    setting_changed.connect(learned)
    HostedToken.__init__ = minted  # type: ignore[method-assign]
    Client.request = answered  # type: ignore[method-assign]
    root.addHandler(listener)
    return stop


WATCH = Watch()
