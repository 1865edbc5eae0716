"""What a browser is told with every page, and that no page needs an exception (security list 5, 29, 33, 39, 40)."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.config.console.cast import person, signed_in
from tests.guards.isolation.addresses import addresses, plain_routes
from tests.guards.isolation.records import School

HEADERS = {
    "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
}  # fmt: skip
DIRECTIVES = {
    "default-src 'self'", "script-src 'self'", "style-src 'self'", "object-src 'none'", "base-uri 'none'",
    "frame-ancestors 'none'",
}  # fmt: skip
# Alpine's attributes that hold no expression, and what its strict build cannot read, or has no name for, in the others.
PLAIN = ("x-for", "x-ref", "x-teleport", "x-transition")
UNREAD = re.compile(
    r"=>|`|\?\.|\?\?|;\s*\S|(?<![\w$'.-])(?:if|for|new|const|let|return|document|window(?!\.location)|localStorage|Date)\b"
)
# Signing out ends the session that the others need; the tick of health asks for a worker.
LEFT_OUT = {"sign-out/", "console/logout/"}


def is_unread(name: str, value: str) -> bool:
    """Whether a browser that evaluates nothing would stumble over an attribute of Alpine's.

    A style that is bound must be an object: a text would be set as an attribute.
    """
    if not name.startswith(("x-", "@", ":")) or name.startswith(PLAIN):
        return False
    if name == "x-html" or (name in ("x-bind:style", ":style") and not value.strip().startswith("{")):
        return True
    return bool(UNREAD.search(re.sub(r"'[^']*'|\"[^\"]*\"", "''", value)))


class Inline(HTMLParser):
    """Collects what a strict policy would refuse to run: code and styles that stand in the page itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "script" and "src" not in named and not (named.get("type") or "").endswith("json"):
            self.found.append("script")
        if tag == "style" or "style" in named:
            self.found.append(f"style at {tag}")
        self.found += [f"{name} at {tag}" for name in named if name.startswith("on")]
        self.found += [f"{name}={value}" for name, value in named.items() if is_unread(name, value or "")]
        links = [named.get(name) or "" for name in ("href", "src", "action", "formaction")]
        self.found += [f"javascript at {tag}" for link in links if link.strip().lower().startswith("javascript:")]


def trouble(answer: Any) -> list[str]:
    """What is missing at an answer, in words."""
    said = answer.headers
    wrong = [f"{name}: {said.get(name)}" for name, value in HEADERS.items() if said.get(name) != value]
    wrong += [name for name in ("Permissions-Policy",) if "camera=()" not in said.get(name, "")]
    wrong += [] if "no-store" in said.get("Cache-Control", "") else [f"kept: {said.get('Cache-Control')}"]
    policy = {part.strip() for part in said.get("Content-Security-Policy", "").split(";")}
    wrong += sorted(DIRECTIVES - policy)
    wrong += [part for part in policy if "unsafe" in part]
    if said.get("Content-Type", "").startswith("text/html") and not answer.streaming:
        wrong += Inline(answer.content.decode()).found
    return wrong


def look(client: Client, paths: list[str]) -> dict[str, list[str]]:
    """path → what is wrong there."""
    return {path: wrong for path in paths if (wrong := trouble(client.get(path)))}


@pytest.fixture
def school(db: None) -> School:
    return School("heron")


def test_every_address_without_an_id_says_all_of_it(school: School) -> None:
    routes = [f"/{route}" for route in plain_routes() if route not in LEFT_OUT]
    console = [route for route in routes if route.startswith("/console/")]
    assert len(console) > 100 and len(routes) - len(console) > 8
    assert look(person(school.org, "finance_manager"), console) == {}
    assert look(signed_in(school.parent), [route for route in routes if route not in console]) == {}
    assert look(Client(), [*routes[:12], "/console/login/", "/no/such/page/"]) == {}


@pytest.mark.parametrize("office", [False, True], ids=["family", "office"])
def test_every_page_about_a_record_says_all_of_it(school: School, office: bool) -> None:
    pages = [one for one in addresses() if one.record and not one.route.startswith("api/")]
    client = person(school.org, "finance_manager") if office else signed_in(school.parent)
    # A page with a processor's own fields asks that processor as well.
    widened = () if office else ("script-src", "connect-src")
    wrong, seen = {}, 0
    for path in [school.path(one) for one in pages if one.route.startswith("console/") == office]:
        try:
            answer = client.get(path)
        except Exception:  # the record is a skeleton, and the page wants flesh
            continue
        seen += answer.status_code == 200
        found = [what for what in trouble(answer) if not what.startswith(widened)]
        if found:
            wrong[path] = found
    assert wrong == {}
    assert seen > (40 if office else 2)


@pytest.mark.parametrize(("name", "value", "stumbles"), [
    ("x-on:click", "open = !open", False), ("x-bind:class", "{'if new': index === 1}", False),
    ("class", "a => b", False), ("x-bind:action", "window.location.pathname", False),
    ("x-bind:style", "{ width: wide + 'px' }", False), ("x-html", "text", True), ("@click", "window.open('/')", True),
    ("x-on:click", "localStorage.setItem('open', '1')", True), ("x-on:keydown", "if (open) close()", True),
    ("x-init", "open = true; $watch('open', kept => keep(kept))", True), ("x-bind:style", "'width: ' + wide", True),
])  # fmt: skip
def test_what_an_attribute_may_hold(name: str, value: str, stumbles: bool) -> None:
    assert is_unread(name, value) == stumbles


@pytest.mark.parametrize(("path", "status"), [("/no/such/page/", 404), ("/family/methods/9/", 302), ("/api/v1/x", 404)])
def test_errors_say_all_of_it(path: str, status: int, db: None) -> None:
    answer = Client().get(path)
    assert answer.status_code == status
    assert trouble(answer) == []


def test_a_post_without_its_token_is_refused_in_a_strict_page(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post("/console/login/", {"username": "x"})
    assert answer.status_code == 403
    assert trouble(answer) == []


PRODUCTION = {
    "QUITTANCE_ENV": "production", "SECRET_KEY": "".join(f"{n:02x}" for n in range(40)) + "-Zq!",
    "FIELD_KEYS": "bWFkZSB1cCBmb3IgYSB0ZXN0LCBvZiAzMiBieXRlcy4=", "ALLOWED_HOSTS": "pay.example.org",
    "DATABASE_URL": "postgres://somebody@db.example.org/quittance", "EMAIL_URL": "smtp://mail.example.org:25",
}  # fmt: skip


def in_production(*arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "VAR_DIR", "LANG")}
    return subprocess.run(
        [sys.executable, *arguments], cwd=settings.BASE_DIR, env=kept | PRODUCTION, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip


def test_a_production_machine_has_nothing_to_be_warned_of() -> None:
    done = in_production("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout + done.stderr


def test_in_production_browsers_are_kept_to_TLS_for_a_year() -> None:
    """HSTS, a redirect to TLS, and cookies that no other host or page can set or read."""
    script = """
import django, json
from django.conf import settings
django.setup()
from django.test import RequestFactory
from django.middleware.security import SecurityMiddleware
from django.http import HttpResponse
answer = SecurityMiddleware(lambda request: HttpResponse())
host = {"HTTP_HOST": "pay.example.org"}
safe, plain = (answer(RequestFactory().get("/", secure=s, **host)) for s in (True, False))
print("SAID", json.dumps([safe.headers.get("Strict-Transport-Security"), plain.status_code, plain.headers["Location"],
    settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY,
    settings.CSRF_COOKIE_NAME, settings.CSRF_COOKIE_SECURE]))
"""
    done = in_production("-c", f"import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'\n{script}")
    said = re.search(r"SAID (.*)", done.stdout)
    assert said, done.stderr
    assert said[1] == (
        '["max-age=31536000; includeSubDomains; preload", 301, "https://pay.example.org/",'
        ' "__Host-session", true, true, "__Host-csrf", true]'
    )
