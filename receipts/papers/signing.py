"""Digital signatures on papers: PAdES, certifying, no change allowed afterwards (R155).

Importing this costs a third of a second; callers do so when they have a paper in hand.
"""

import io
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import PdfSignatureMetadata
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import PdfSigner, Signer
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from billing.office.signing_keys import Identity, signing_identity

WISH = PdfSignatureMetadata(
    field_name="Receipt", md_algorithm="sha256", certify=True, docmdp_permissions=MDPPerm.NO_CHANGES,
    subfilter=SigSeedSubFilter.PADES,
)  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What a signature proves. is_intact: not a byte was changed or added. is_ours: made with our present key."""

    is_intact: bool = False
    is_ours: bool = False
    signed_by: str = ""
    signed_at: datetime | None = None


def sign(pdf: bytes, *, at: datetime) -> bytes:
    """The PDF with our signature, dated `at`. Two signings differ, so a paper is signed once and then kept."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    signed = _DatedSigner(WISH, _KeySigner(signing_identity()), at).sign_pdf(writer)
    return bytes(signed.getvalue())


def check_signature(pdf: bytes) -> Verdict:
    """Whether the file still is what we signed. Asks no network."""
    certificates = list(load_certs_from_pemder_data(signing_identity().certificates))
    try:
        found = PdfFileReader(io.BytesIO(pdf)).embedded_regular_signatures
        if len(found) != 1:
            return Verdict()
        at = found[0].self_reported_timestamp
        context = ValidationContext(trust_roots=certificates, allow_fetching=False, moment=at)
        status = validate_pdf_signature(found[0], context)
    except (PdfError, SigningError, SignatureValidationError, ValueError, LookupError, TypeError):
        return Verdict()  # a broken file breaks the reader in many ways
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    return Verdict(
        is_intact=bool(status.intact and status.valid and whole), is_ours=bool(status.trusted),
        signed_by=status.signing_cert.subject.human_friendly, signed_at=at,
    )  # fmt: skip


class _DatedSigner(PdfSigner):
    """Signs at the moment it is told, not at its own reading of the clock."""

    def __init__(self, wish: PdfSignatureMetadata, signer: Signer, at: datetime) -> None:
        super().__init__(wish, signer)
        self.at = at

    def init_signing_session(self, *args: Any, **kwargs: Any) -> Any:
        session = super().init_signing_session(*args, **kwargs)
        session.system_time = self.at
        return session


class _KeySigner(Signer):
    """Holds the key ready: the library's own signer reads and checks it twice for each paper, a fifth of a second."""

    def __init__(self, identity: Identity) -> None:
        certificates = list(load_certs_from_pemder_data(identity.certificates))
        store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        store.register_multiple(certificates)
        super().__init__(signing_cert=certificates[0], cert_registry=store)
        self.key = identity.key

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        assert digest_algorithm == "sha256"
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(data, ec.ECDSA(hashes.SHA256()))
