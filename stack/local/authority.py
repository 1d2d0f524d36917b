"""The authority of a profile with ``LMS_TLS=local``: it signs a certificate for each component.

Its own certificate and key are made once and name this machine alone (RFC 5280, name constraints):
who installs the certificate in a browser trusts it for nothing else. A component's certificate is
short-lived and renewed when the component starts.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stack.keystores import key_store, trust_store, write
from stack.tls import folder

LIFETIME = timedelta(days=90)
"""Of a component's certificate."""
RENEWED_BELOW = timedelta(days=60)
"""A component that starts gets a new one if less than this is left of its old one."""
_AUTHORITY_LIFETIME = timedelta(days=3650)
_SKEW = timedelta(minutes=5)

_HERE = [
    x509.DNSName("localhost"),
    x509.IPAddress(ip_address("127.0.0.1")),
    x509.IPAddress(ip_address("::1")),
]
_ONLY_HERE = x509.NameConstraints(
    permitted_subtrees=[
        x509.DNSName("localhost"),
        x509.IPAddress(ip_network("127.0.0.0/8")),
        x509.IPAddress(ip_network("::1/128")),
    ],
    excluded_subtrees=None,
)


def issue(name: str, now: datetime | None = None) -> Path:
    """``<name>.pem``: private key and chain of a component, valid for at least ``RENEWED_BELOW``.

    Only its owner reads it, as all that is made here. Processes may ask at the same time.
    """
    now = now or datetime.now(UTC)
    path = folder() / f"{name}.pem"
    with _alone():
        authority, signing = _authority(now)
        old = _certificate(path)
        if old is None or old.not_valid_after_utc - now < RENEWED_BELOW or not _by(old, authority):
            key = ec.generate_private_key(ec.SECP256R1())
            draft = _draft(name, key, authority.subject, now, LIFETIME)
            usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            leaf = (
                draft.add_extension(x509.SubjectAlternativeName(_HERE), critical=False)
                .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
                .add_extension(
                    x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()),
                    critical=False,
                )
                .sign(signing, SHA256())
            )
            write(path, _pem(key) + leaf.public_bytes(Encoding.PEM))
    return path


def rest_stores() -> tuple[Path, Path]:
    """What Flink's REST endpoint shows and what it trusts, as PKCS12."""
    pem = issue("jobmanager")
    return (
        key_store(pem, pem.with_suffix(".p12")),
        trust_store(folder() / "ca.pem", folder() / "rest-trust.p12"),
    )


def flink_stores(now: datetime | None = None) -> tuple[Path, Path]:
    """What Flink's processes show each other, and the trust in nothing but that, as PKCS12.

    One for all of them and for as long as the authority: of two that have different ones neither
    lets the other in.
    """
    now = now or datetime.now(UTC)
    pem = folder() / "flink-internal.pem"
    with _alone():
        old = _certificate(pem)
        if old is None or old.not_valid_after_utc - now < RENEWED_BELOW:
            key = ec.generate_private_key(ec.SECP256R1())
            draft = _draft("flink-internal", key, None, now, _AUTHORITY_LIFETIME)
            draft = draft.add_extension(x509.SubjectAlternativeName(_HERE), critical=False)
            write(pem, _pem(key) + draft.sign(key, SHA256()).public_bytes(Encoding.PEM))
    return (
        key_store(pem, pem.with_suffix(".p12")),
        trust_store(pem, folder() / "flink-internal-trust.p12"),
    )


def _authority(now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Its certificate, for everybody here, and its key, in a folder that only its owner enters."""
    path, key_path = folder() / "ca.pem", folder() / "authority" / "ca.key"
    found = _certificate(path)
    if found is not None and key_path.exists() and found.not_valid_after_utc - now > LIFETIME:
        key = load_pem_private_key(key_path.read_bytes(), None)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return found, key
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    made = (
        _draft("Learnstream local authority", key, None, now, _AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(_ONLY_HERE, critical=True)
        .sign(key, SHA256())
    )
    write(key_path, _pem(key))
    write(path, made.public_bytes(Encoding.PEM))
    return made, key


def _draft(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name | None,
    now: datetime,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    """Signed by itself where there is no ``issuer``."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _certificate(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0]
    except (OSError, ValueError):
        return None


def _by(leaf: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError):
        return False
    return True


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@contextmanager
def _alone() -> Iterator[None]:
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    folder().chmod(0o700)
    with (folder() / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
