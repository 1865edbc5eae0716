"""The key that signs papers and proofs: the operator's, or one of our own made on first use."""

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from django.conf import settings

OWN_KEY_FILE = "papers.pem"
OWN_KEY_FROM = datetime(2020, 1, 1, tzinfo=UTC)  # demo organizations have receipts from before today
OWN_KEY_YEARS = 20  # a receipt is shown again years later

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Identity:
    """Who signs. certificates: PEM, the signer's own first, then its chain."""

    key: PrivateKey
    certificates: bytes


def signing_identity() -> Identity:
    """The key of settings.SIGNING_KEY_FILE, else our own in SIGNING_DIR. Read from disk once per process."""
    if settings.SIGNING_KEY_FILE:
        certificate_file = settings.SIGNING_CERTIFICATE_FILE or settings.SIGNING_KEY_FILE
        return _load(settings.SIGNING_KEY_FILE, certificate_file, settings.SIGNING_KEY_PASSWORD)
    own = str(own_key_file(Path(settings.SIGNING_DIR)))
    return _load(own, own, "")


@lru_cache(maxsize=4)
def _load(key_file: str, certificate_file: str, password: str) -> Identity:
    key = serialization.load_pem_private_key(Path(key_file).read_bytes(), password.encode() or None)
    if not isinstance(key, PrivateKey):
        raise ValueError(f"{key_file}: papers are signed with an RSA or an elliptic-curve key")
    certificates = x509.load_pem_x509_certificates(Path(certificate_file).read_bytes())
    return Identity(key, b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates))


def own_key_file(folder: Path) -> Path:
    """A self-signed key with its certificate. Of several processes that make one at once, the first one's stays."""
    path = folder / OWN_KEY_FILE
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with NamedTemporaryFile(dir=folder, prefix=".") as file:  # mode 0600 from the first byte on
        file.write(_new_key())
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(file.name, path)
    return path


def _new_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Quittance (self-signed)")])
    end = datetime.now(UTC) + timedelta(days=365 * OWN_KEY_YEARS)
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(OWN_KEY_FROM)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
