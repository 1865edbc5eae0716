"""The digital signature of a paper (R155)."""

import os
import stat
import threading
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509 import CertificateBuilder, load_pem_x509_certificate, random_serial_number

from billing.office.signing_keys import own_key_file
from receipts.papers.render import render_pdf
from receipts.papers.signing import check_signature, sign
from tests.receipts.papers.papers import paper

AT = datetime(2026, 3, 12, 18, 5, tzinfo=UTC)


@cache
def signed() -> bytes:
    return sign(render_pdf(paper()), at=AT)


def test_R155_a_signed_paper_proves_itself() -> None:
    verdict = check_signature(signed())
    assert verdict.is_intact
    assert verdict.is_ours
    assert verdict.signed_at == AT
    assert "Quittance" in verdict.signed_by


@pytest.mark.parametrize("place", [0.02, 0.3, 0.6, 0.8])
def test_R155_a_flipped_bit_shows(place: float) -> None:
    data = bytearray(signed())
    data[int(len(data) * place)] ^= 1
    assert not check_signature(bytes(data)).is_intact


def test_R155_something_added_shows() -> None:
    assert not check_signature(signed() + b"\n% more").is_intact


@pytest.mark.parametrize("data", [b"", b"no pdf", b"%PDF-1.7\n"])
def test_what_is_no_signed_pdf_proves_nothing(data: bytes) -> None:
    assert not check_signature(data).is_intact
    assert not check_signature(render_pdf(paper())).is_intact


def test_the_signature_keeps_the_paper_pdf_a() -> None:
    assert b"/ByteRange" in signed()
    assert signed().startswith(render_pdf(paper()))


def test_another_key_is_intact_but_not_ours(settings: Any, tmp_path: Path) -> None:
    settings.SIGNING_DIR = tmp_path
    verdict = check_signature(signed())
    assert verdict.is_intact
    assert not verdict.is_ours


@pytest.mark.parametrize("password", ["", "open sesame"])
def test_an_operators_own_key_is_used(settings: Any, tmp_path: Path, password: str) -> None:
    key_file, certificate_file = _operator_files(tmp_path, password)
    settings.SIGNING_KEY_FILE, settings.SIGNING_CERTIFICATE_FILE = str(key_file), str(certificate_file)
    settings.SIGNING_KEY_PASSWORD = password
    verdict = check_signature(sign(render_pdf(paper()), at=AT))
    assert verdict.is_intact
    assert verdict.is_ours


def test_several_first_uses_make_one_key_that_only_we_can_read(tmp_path: Path) -> None:
    barrier = threading.Barrier(4)

    def use() -> None:
        barrier.wait()
        found.append(own_key_file(tmp_path / "signing").read_bytes())

    found: list[bytes] = []
    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(found) == 4
    assert len(set(found)) == 1
    assert stat.S_IMODE((tmp_path / "signing" / "papers.pem").stat().st_mode) == 0o600
    assert os.listdir(tmp_path / "signing") == ["papers.pem"]


def _operator_files(folder: Path, password: str) -> tuple[Path, Path]:
    """An elliptic-curve key, perhaps behind a password, and a certificate for it in a file of its own."""
    own = own_key_file(folder).read_bytes()
    template = load_pem_x509_certificate(own)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = CertificateBuilder(
        template.subject, template.subject, key.public_key(), random_serial_number(),
        template.not_valid_before_utc, template.not_valid_after_utc,
    )  # fmt: skip
    for extension in list(template.extensions)[:2]:
        builder = builder.add_extension(extension.value, extension.critical)
    lock = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    key_file, certificate_file = folder / "key.pem", folder / "certificate.pem"
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    certificate_file.write_bytes(builder.sign(key, SHA256()).public_bytes(Encoding.PEM))
    return key_file, certificate_file
