"""The archive of documents: whole or absent, and never silently changed (R155)."""

import hashlib
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from billing.office.papers import archive
from billing.office.papers.errors import TamperedDocument


@pytest.fixture(autouse=True)
def _own_archive(settings: Any, tmp_path: Path) -> None:
    settings.ARCHIVE_DIR = tmp_path / "archive"


def test_a_document_comes_back_by_its_hash() -> None:
    digest = archive.keep(b"paper")
    assert digest == hashlib.sha256(b"paper").hexdigest()
    assert archive.read(digest) == b"paper"


def test_it_lies_in_fanned_out_folders_and_is_read_only(tmp_path: Path) -> None:
    digest = archive.keep(b"paper")
    path = tmp_path / "archive" / digest[:2] / digest[2:4] / f"{digest}.pdf"
    assert stat.S_IMODE(path.stat().st_mode) == 0o440


def test_keeping_twice_keeps_one() -> None:
    assert archive.keep(b"paper") == archive.keep(b"paper")
    assert archive.read(archive.keep(b"paper")) == b"paper"


def test_R155_a_changed_document_is_not_given_out() -> None:
    digest = archive.keep(b"paper")
    path = archive.path_of(digest)
    path.chmod(0o600)
    path.write_bytes(b"paPer")
    with pytest.raises(TamperedDocument, match=digest):
        archive.read(digest)


def test_R155_a_missing_document_is_not_passed_over() -> None:
    digest = archive.keep(b"paper")
    archive.path_of(digest).unlink()
    with pytest.raises(TamperedDocument):
        archive.read(digest)


def test_a_failure_while_writing_leaves_nothing(monkeypatch: Any, tmp_path: Path) -> None:
    def fail(*args: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        archive.keep(b"paper")
    assert not [path for path in (tmp_path / "archive").rglob("*") if path.is_file()]
