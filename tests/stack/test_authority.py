"""The authority of a local profile: who may read what, what is renewed when, what it can sign."""

from __future__ import annotations

import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from stack import keystores, tls
from stack.local import authority
from stack.local.java import java
from tests.stack.test_tls import greet, handshake, listening

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _own_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LMS_LOCAL_ROOT", str(tmp_path))
    monkeypatch.setenv("LMS_TLS", "local")


def leaf(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates(path.read_bytes())[0]


def test_it_is_made_once_and_only_its_owner_reads_it() -> None:
    first = authority.issue("kafka").read_bytes()
    ca = (tls.folder() / "ca.pem").read_bytes()
    authority.issue("redis")
    authority.rest_stores()
    authority.flink_stores()
    assert authority.issue("kafka").read_bytes() == first
    assert (tls.folder() / "ca.pem").read_bytes() == ca
    made = [tls.folder(), *tls.folder().rglob("*")]
    modes = {path: path.stat().st_mode & 0o777 for path in made}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {m for path, m in modes.items() if path.suffix in (".pem", ".key", ".p12")} == {0o600}
    assert [path.parent.name for path in made if path.suffix == ".key"] == ["authority"]


def test_a_component_that_starts_gets_a_new_certificate_in_time() -> None:
    old = leaf(authority.issue("kafka", NOW))
    assert old.not_valid_after_utc - NOW <= timedelta(days=90)
    assert leaf(authority.issue("kafka", NOW + timedelta(days=29))) == old
    later = NOW + timedelta(days=31)
    new = leaf(authority.issue("kafka", later))
    assert new != old
    assert new.not_valid_after_utc - later > timedelta(days=60)


def test_all_of_flink_has_one_certificate_for_years() -> None:
    def shown(now: datetime) -> bytes:
        authority.flink_stores(now)
        return (tls.folder() / "flink-internal.pem").read_bytes()

    assert shown(NOW) == shown(NOW + timedelta(days=1000))


def test_a_certificate_of_an_authority_that_is_gone_is_replaced() -> None:
    old = leaf(authority.issue("kafka"))
    (tls.folder() / "authority" / "ca.key").unlink()
    new = leaf(authority.issue("kafka"))
    assert new != old
    new.verify_directly_issued_by(leaf(tls.folder() / "ca.pem"))


def test_who_trusts_it_trusts_it_for_this_machine_alone() -> None:
    authority.issue("lms")
    ca = leaf(tls.folder() / "ca.pem")
    signing = load_pem_private_key((tls.folder() / "authority" / "ca.key").read_bytes(), None)
    assert isinstance(signing, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    forged = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bank")]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("bank.example")]), critical=False)
        .sign(signing, SHA256())
    )
    path = tls.folder() / "bank.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + forged.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    refused = pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation")
    with listening(context, greet) as (port, _), refused:
        handshake(port, tls.client_context(), "bank.example")


def test_java_reads_the_stores() -> None:
    for store, kind in zip(
        authority.rest_stores(), ("PrivateKeyEntry", "trustedCertEntry"), strict=True
    ):
        done = subprocess.run(
            [
                str(Path(java()).with_name("keytool")),
                *("-list", "-keystore", str(store), "-storetype", "PKCS12"),
                *("-storepass:env", "STORE"),
            ],
            env={"STORE": keystores.password()},
            capture_output=True,
            text=True,
            check=True,
        )
        assert kind in done.stdout
