"""What `check --deploy` says about papers."""

from pathlib import Path
from typing import Any

import pytest

from billing.office.papers import coverage
from receipts.papers.checks import check_papers


def test_a_machine_that_can_draw_and_sign_is_silent() -> None:
    assert list(check_papers()) == []


def test_a_machine_without_a_chinese_font_is_told(monkeypatch: Any) -> None:
    monkeypatch.setattr(coverage, "can_draw", lambda code: False)
    assert [found.id for found in check_papers()] == ["receipts.W002"]


@pytest.mark.parametrize("content", [None, b"no key"])
def test_a_key_that_cannot_be_read_stops_the_start(settings: Any, tmp_path: Path, content: bytes | None) -> None:
    settings.SIGNING_KEY_FILE = str(tmp_path / "key.pem")
    if content is not None:
        (tmp_path / "key.pem").write_bytes(content)
    assert [found.id for found in check_papers()] == ["receipts.E001"]
