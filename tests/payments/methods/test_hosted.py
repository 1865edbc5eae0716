"""Every processor with fields of its own has its part of the page, and our side of it never sees a number."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

from payments.gateways.registry import KINDS

STATIC = Path(settings.BASE_DIR) / "static" / "pages" / "hosted"
PARTS = Path(settings.BASE_DIR) / "templates" / "pages" / "methods"
GATEWAYS = {kind: getattr(import_module(f"payments.gateways.{kind}"), "Gateway", None) for kind in KINDS}
OFFERED = {"card", "bank"}  # what payers add by fields; UPI ids and mandates have their own doors
HOSTED = [kind for kind, gateway in GATEWAYS.items() if gateway is not None and gateway.capabilities & OFFERED]


@pytest.mark.parametrize("kind", HOSTED)
def test_a_processor_with_hosted_fields_has_its_part_and_script(kind: str) -> None:
    get_template(f"pages/methods/hosted/{kind}.html")
    assert f"pages/hosted/{kind}.js" in (PARTS / "hosted" / f"{kind}.html").read_text()
    assert "hostedForm" in (STATIC / f"{kind}.js").read_text()


def test_21_no_field_of_ours_takes_a_number_or_a_code() -> None:
    names = [
        name
        for page in PARTS.rglob("*.html")
        for name in re.findall(r'<(?:input|select|textarea)[^>]*\bname="([^"{]+)"', page.read_text())
    ]
    assert "holder" in names and "token" in names
    assert not {name for name in names if re.search(r"card|cvv|cvc|account|routing|aba|expir", name, re.I)}


def test_no_part_has_a_script_or_style_of_its_own_inside() -> None:
    """The policy of the page would not run it."""
    for page in [*PARTS.rglob("*.html"), *(PARTS.parent / "pay").rglob("*.html")]:
        text = page.read_text()
        assert not re.search(r"<style|\sstyle=|\son(click|load|submit|change|input|error|key\w+)=", text), page
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text)), page
