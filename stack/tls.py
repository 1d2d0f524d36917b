"""TLS 1.3: where it is on, whose certificates are trusted, and what each client library is given.

``LMS_TLS`` switches it for the whole stack: every address of ours then takes its encrypted form,
whatever form it was given in, so that no component stays plain by oversight.
"""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.errors import Misconfigured
from stack.principals import current
from stack.profile import profile

MODES = ("off", "local", "on")
COMPONENTS = ("http", "kafka", "postgres", "redis", "flink", "qdrant")
"""What can be exempt; ``http`` is all processes of our own."""

_OPENSSL = Path(__file__).with_name("openssl.cnf")
_UNVERIFIED = ("disable", "allow", "prefer")


def folder() -> Path:
    """What the local authority makes: its certificate, and a file per component."""
    return profile().run / "tls"


@lru_cache(maxsize=1)
def _system() -> Path | None:
    cafile = ssl.get_default_verify_paths().cafile
    return None if cafile is None else Path(cafile)


def _authorities(found: dict[str, Any]) -> Path | None:
    return folder() / "ca.pem" if found.get("mode") == "local" else _system()


def _chain(found: dict[str, Any]) -> Path | None:
    return folder() / f"{current()}.pem" if found.get("mode") == "local" else None


class TlsSettings(BaseSettings):
    """``LMS_TLS`` (``off``, ``local``: an authority of this profile, ``on``: files that are given)
    and ``LMS_TLS_*``. All files are PEM; Flink's TaskManagers have ``ca`` and ``client`` under the
    same paths.
    """

    model_config = SettingsConfigDict(env_prefix="LMS_TLS_", env_ignore_empty=True, frozen=True)

    mode: str = Field(default="off", validation_alias="LMS_TLS")
    plain: str = ""
    """Components without TLS though it is on, as in ``http,flink``: behind a proxy or in a mesh."""
    ca: Path | None = Field(default_factory=_authorities)
    """Authorities that our clients trust; the system's where none is given."""
    cert: Path | None = Field(default_factory=_chain)
    """The chain that our HTTP processes show."""
    key: Path | None = None
    """Its private key, where the file of ``cert`` does not hold it."""
    client: Path | None = None
    """Private key (PKCS#8) and chain in one file, which our clients show to servers that ask for
    one. Flink's JDBC driver reads them beside it, as ``.crt`` (PEM) and ``.pk8`` (DER)."""
    client_ca: Path | None = None
    """Authorities of callers: our HTTP processes then answer nobody without a certificate."""

    @field_validator("mode")
    @classmethod
    def _known(cls, mode: str) -> str:
        if mode not in MODES:
            raise Misconfigured(
                f"LMS_TLS is {mode!r}: choose from {', '.join(MODES)}", setting="LMS_TLS"
            )
        return mode

    @field_validator("plain")
    @classmethod
    def _known_components(cls, text: str) -> str:
        unknown = {name.strip() for name in text.split(",") if name.strip()} - set(COMPONENTS)
        if unknown:
            raise Misconfigured(
                f"LMS_TLS_PLAIN names {', '.join(sorted(unknown))}: the components are "
                f"{', '.join(COMPONENTS)}",
                setting="LMS_TLS_PLAIN",
            )
        return text

    @field_validator("ca", "cert", "key", "client", "client_ca")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().absolute()

    def on(self, component: str) -> bool:
        """Whether ``component`` (one of ``COMPONENTS``) is reached, or listens, with TLS."""
        exempt = {name.strip() for name in self.plain.split(",")}
        return self.mode != "off" and component not in exempt


def on(component: str) -> bool:
    """Whether ``component`` (one of ``COMPONENTS``) is reached, or listens, with TLS."""
    return TlsSettings().on(component)


def is_local() -> bool:
    """Whether the components of this profile have certificates of its own authority."""
    return TlsSettings().mode == "local"


def scheme(component: str) -> str:
    """``https`` or ``http``."""
    return "https" if on(component) else "http"


# --- contexts -----------------------------------------------------------------------------------


def client_context() -> ssl.SSLContext:
    """For clients that take Python's: at least TLS 1.3, the name of the server is verified."""
    return _client_context(TlsSettings())


@lru_cache(maxsize=8)
def _client_context(settings: TlsSettings) -> ssl.SSLContext:
    with _readable("LMS_TLS_CA", settings.ca):
        context = ssl.create_default_context(cafile=settings.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if settings.client is not None:
        with _readable("LMS_TLS_CLIENT", settings.client):
            context.load_cert_chain(settings.client)
    return context


def server_context(*_: object) -> ssl.SSLContext:
    """What an HTTP process of ours listens with; uvicorn's ``ssl_context_factory``.

    Raises ``Misconfigured`` without a certificate, or with one that cannot be read.
    """
    settings = TlsSettings()
    if settings.cert is None:
        raise Misconfigured(
            "LMS_TLS is on and LMS_TLS_CERT is not set: name the chain that this process shows, "
            "or set LMS_TLS_PLAIN=http where a proxy has it",
            setting="LMS_TLS_CERT",
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    with _readable("LMS_TLS_CERT", settings.cert):
        context.load_cert_chain(settings.cert, settings.key)
    if settings.client_ca is not None:
        with _readable("LMS_TLS_CLIENT_CA", settings.client_ca):
            context.load_verify_locations(settings.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def uvicorn_options() -> dict[str, Any]:
    """What ``uvicorn.Config`` is given besides: nothing while TLS is off."""
    return {"ssl_context_factory": server_context} if on("http") else {}


class _readable:
    """Turns an unreadable file into a sentence with its setting's name."""

    def __init__(self, setting: str, path: Path | None) -> None:
        self._setting, self._path = setting, path

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):  # ssl.SSLError is one
            raise Misconfigured(
                f"{self._path} cannot be used ({self._setting}): {error.strerror or error}",
                setting=self._setting,
            ) from error


# --- addresses and clients ----------------------------------------------------------------------


def libpq() -> dict[str, str]:
    """What libpq is given besides the address of a server."""
    settings = TlsSettings()
    if not settings.on("postgres"):
        return {}
    found = {
        "sslmode": "verify-full",
        "sslrootcert": str(settings.ca),
        "ssl_min_protocol_version": "TLSv1.3",
    }
    if settings.client is not None:
        found |= {"sslcert": str(settings.client), "sslkey": str(settings.client)}
    return found


def postgres_url(url: str) -> str:
    """The address with TLS where it is on; what it says itself stays, but for less than TLS."""
    wanted = libpq()
    if not wanted:
        return url
    given = conninfo_to_dict(url)
    if given.get("sslmode") in _UNVERIFIED:
        given.pop("sslmode")
    more = {name: value for name, value in wanted.items() if name not in given}
    if "://" not in url:
        return make_conninfo(url, **more)
    # libpq takes the last of two parameters with one name.
    return f"{url}{'&' if '?' in url else '?'}{urlencode(more, quote_via=quote)}"


def redis_url(url: str) -> str:
    """The address with TLS where it is on; what it says itself stays, but for its scheme."""
    settings = TlsSettings()
    if not settings.on("redis"):
        return url
    scheme, rest = url.split("://", 1)
    wanted = {"ssl_ca_certs": str(settings.ca), "ssl_check_hostname": "true"}
    if settings.client is not None:
        wanted |= {"ssl_certfile": str(settings.client), "ssl_keyfile": str(settings.client)}
    more = {name: value for name, value in wanted.items() if f"{name}=" not in rest}
    rest += f"{'&' if '?' in rest else '?'}{urlencode(more, quote_via=quote)}" if more else ""
    return f"{'rediss' if scheme == 'redis' else scheme}://{rest}"


def redis_options(url: str) -> dict[str, Any]:
    """What redis-py is given besides the address: there it would be text."""
    return {"ssl_min_version": ssl.TLSVersion.TLSv1_3} if url.startswith("rediss:") else {}


def kafka_protocol(protocol: str) -> str:
    """``SASL_SSL`` for ``SASL_PLAINTEXT`` where TLS is on."""
    return protocol.replace("PLAINTEXT", "SSL") if on("kafka") else protocol


def librdkafka() -> dict[str, str]:
    """What a client of librdkafka is given besides the protocol."""
    settings = TlsSettings()
    if not settings.on("kafka"):
        return {}
    # librdkafka has no setting for the least version; its OpenSSL reads this file when the first
    # client of the process is made. Python's own contexts, and libpq here, say their version.
    os.environ.setdefault("OPENSSL_CONF", str(_OPENSSL))
    found = {"ssl.ca.location": str(settings.ca)}
    if settings.client is not None:
        found |= {
            "ssl.certificate.location": str(settings.client),
            "ssl.key.location": str(settings.client),
        }
    return found


def java_kafka() -> dict[str, str]:
    """What Java's Kafka client is given besides the protocol, as Flink's connector has it."""
    settings = TlsSettings()
    if not settings.on("kafka"):
        return {}
    found = {
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(settings.ca),
        "ssl.protocol": "TLSv1.3",
        "ssl.enabled.protocols": "TLSv1.3",
    }
    if settings.client is not None:
        found |= {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(settings.client)}
    return found
