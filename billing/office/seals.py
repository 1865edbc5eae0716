"""Signatures under rows: made with the key that signs papers, checked with the certificate kept beside them."""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from billing.office.signing_keys import signing_identity


@dataclass(frozen=True)
class Seal:
    """signature: Base64. certificate: the signer's own, as PEM, so that it can be checked after the key has changed."""

    signature: str
    certificate: str


def seal(data: bytes) -> Seal:
    """Sign with the present key: RSA PKCS #1 v1.5 or ECDSA, over SHA-256."""
    identity = signing_identity()
    if isinstance(identity.key, rsa.RSAPrivateKey):
        signature = identity.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    else:
        signature = identity.key.sign(data, ec.ECDSA(hashes.SHA256()))
    own = x509.load_pem_x509_certificates(identity.certificates)[0]
    return Seal(b64encode(signature).decode(), own.public_bytes(Encoding.PEM).decode())


def is_sealed(data: bytes, kept: Seal) -> bool:
    """Whether the certificate's owner signed these very bytes."""
    try:
        key = x509.load_pem_x509_certificate(kept.certificate.encode()).public_key()
        signature = b64decode(kept.signature, validate=True)
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        else:
            return False
    except (InvalidSignature, NotBase64, ValueError):
        return False
    return True


def fingerprint(certificate: str) -> str:
    """SHA-256 of a certificate in PEM, as openssl prints it without colons; empty if it is none."""
    try:
        return x509.load_pem_x509_certificate(certificate.encode()).fingerprint(hashes.SHA256()).hex()
    except ValueError:
        return ""


def own_fingerprint() -> str:
    """Of the certificate that signs now."""
    own = x509.load_pem_x509_certificates(signing_identity().certificates)[0]
    return own.fingerprint(hashes.SHA256()).hex()
