"""The shop's own certificate authority and the certificates it issues, each with the moment at which it expires."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from lab.state import Lab

USUAL_DAYS = 90
LEGS = ("inventory-a", "inventory-b")


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _built(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    ends: datetime,
    *,
    ca: bool,
) -> x509.Certificate:
    begins = min(datetime.now(UTC), ends) - timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name("shop authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def prepare(lab: Lab) -> None:
    """An authority, and a certificate for each listener of inventory."""
    key = ec.generate_private_key(ec.SECP256R1())
    ends = datetime.now(UTC) + timedelta(days=USUAL_DAYS)
    _put(lab.path("tls", "authority.key"), _pem(key))
    authority = _built("shop authority", key, key, ends, ca=True)
    _put(lab.path("tls", "authority.pem"), authority.public_bytes(serialization.Encoding.PEM))
    for leg in LEGS:
        issue(lab, leg, ends)


def issue(lab: Lab, leg: str, ends: datetime) -> None:
    """Replace a listener's certificate by one that expires at `ends`."""
    loaded = serialization.load_pem_private_key(lab.path("tls", "authority.key").read_bytes(), None)
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is no elliptic curve key")
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _built(leg.rpartition("-")[0], key, loaded, ends, ca=False)
    _put(lab.path("tls", f"{leg}.pem"), _pem(key) + certificate.public_bytes(serialization.Encoding.PEM))


def _put(path: Path, data: bytes) -> None:
    fresh = path.with_name(f".{path.name}")
    fresh.write_bytes(data)
    fresh.chmod(0o600)
    fresh.replace(path)
