"""Certificates as Java reads them where it reads no PEM: PKCS12 files, made of the PEM files.

Flink's own endpoints and its client need them; Kafka's do not.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from secrets import token_urlsafe

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)

from contracts.errors import Misconfigured
from stack.secrets import secret
from stack.tls import TlsSettings, folder


def password() -> str:
    """Of every such file: ``LMS_SECRET_TLS_STORE``, or what was made at the first start."""
    return secret("tls-store", lambda: token_urlsafe(24))


def trust_store(ca: Path, path: Path) -> Path:
    """Write the certificates of ``ca`` as what a JVM trusts; returns ``path``."""
    found = x509.load_pem_x509_certificates(ca.read_bytes())
    named = [pkcs12.PKCS12Certificate(one, f"ca-{i}".encode()) for i, one in enumerate(found)]
    encryption = BestAvailableEncryption(password().encode())
    return write(path, pkcs12.serialize_java_truststore(named, encryption))


def key_store(pem: Path, path: Path) -> Path:
    """Write the key and the chain of ``pem`` as what a JVM shows; returns ``path``."""
    text = pem.read_bytes()
    leaf, *chain = x509.load_pem_x509_certificates(text)
    key = load_pem_private_key(text, None)
    encryption = BestAvailableEncryption(password().encode())
    whole = pkcs12.serialize_key_and_certificates(b"key", key, leaf, chain, encryption)  # type: ignore[arg-type]
    return write(path, whole)


def flink_client() -> dict[str, str]:
    """Flink's options for a client of its REST API in a JVM of ours; none while TLS is off.

    Raises ``Misconfigured`` where a file of the settings cannot be read.
    """
    settings = TlsSettings()
    if not settings.on("flink") or settings.ca is None:
        return {}
    try:
        found = {
            "security.ssl.rest.enabled": "true",
            "security.ssl.rest.truststore": str(
                trust_store(settings.ca, folder() / "client-trust.p12")
            ),
            "security.ssl.rest.truststore-password": password(),
            "security.ssl.rest.truststore-type": "PKCS12",
            **PROTOCOL,
        }
        if settings.client is not None:
            # Flink's client shows a certificate where its settings say that the server wants one.
            found |= {
                "security.ssl.rest.authentication-enabled": "true",
                "security.ssl.rest.keystore": str(
                    key_store(settings.client, folder() / "client.p12")
                ),
                "security.ssl.rest.keystore-password": password(),
                "security.ssl.rest.key-password": password(),
                "security.ssl.rest.keystore-type": "PKCS12",
            }
    except (OSError, ValueError) as error:
        raise Misconfigured(f"a file of LMS_TLS_CA or LMS_TLS_CLIENT is unusable: {error}") from (
            error
        )
    return found


PROTOCOL = {
    "security.ssl.protocol": "TLSv1.3",
    "security.ssl.algorithms": "TLS_AES_256_GCM_SHA384,TLS_AES_128_GCM_SHA256",
}


def write(path: Path, content: bytes) -> Path:
    """The file, readable by its owner alone, whole or not at all; returns ``path``."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    return path
