"""TLS by itself: what each client is given, and what a real handshake makes of it."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from psycopg.conninfo import conninfo_to_dict
from redis.connection import parse_url

from contracts.errors import Misconfigured
from stack import jdbc, qdrant, tls
from stack.flink import FlinkSettings
from stack.http import HttpSettings
from stack.kafka import KafkaSettings
from stack.local import authority
from stack.postgres import PostgresSettings
from stack.profile import REPOSITORY
from stack.redis import RedisSettings

SETTING = "LMS_POSTGRES_ANALYTICS_URL"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LMS_LOCAL_ROOT", str(tmp_path))
    for name in (
        "LMS_TLS",
        *(f"LMS_TLS_{field.upper()}" for field in tls.TlsSettings.model_fields),
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a certificate of this profile's authority; TLS is on."""
    monkeypatch.setenv("LMS_TLS", "local")
    monkeypatch.setenv("LMS_PRINCIPAL", "lms")
    return authority.issue("lms")


# --- settings -----------------------------------------------------------------------------------


def test_off_no_address_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_REDIS_URL", "redis://u:p@cache:6379/0")
    monkeypatch.setenv("LMS_POSTGRES_LMS_URL", "postgresql://u@db/lms?sslmode=require")
    assert RedisSettings().url == "redis://u:p@cache:6379/0"
    assert PostgresSettings().lms_url == "postgresql://u@db/lms?sslmode=require"
    assert not KafkaSettings().security_protocol.endswith("SSL")
    assert tls.uvicorn_options() == {}
    assert HttpSettings().lms_url.startswith("http://")


def test_on_every_address_of_ours_is_encrypted_whatever_form_it_was_given_in(
    local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMS_REDIS_URL", "redis://u:p@cache:6379/0")
    monkeypatch.setenv("LMS_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("LMS_POSTGRES_LMS_URL", "postgresql://u@db/lms?sslmode=disable")
    http, postgres = HttpSettings(), PostgresSettings()
    addresses = (http.lms_url, http.serving_url, http.dashboards_url, FlinkSettings().rest_url)
    assert {address.partition("://")[0] for address in addresses} == {"https"}
    assert KafkaSettings().security_protocol == "SASL_SSL"
    assert RedisSettings().url.startswith("rediss://u:p@cache:6379/0?")
    for url in (postgres.lms_url, postgres.app_url, postgres.analytics_url, postgres.analyst_url):
        found = conninfo_to_dict(url)
        assert found["sslmode"] == "verify-full"
        assert found["sslrootcert"] == str(tls.folder() / "ca.pem")
        assert found["ssl_min_protocol_version"] == "TLSv1.3"


def test_what_an_address_says_itself_stays(local: Path) -> None:
    url = tls.postgres_url("postgresql://u@db/lms?sslmode=verify-ca&sslrootcert=/a%20b/ca.pem")
    found = conninfo_to_dict(url)
    assert (found["sslmode"], found["sslrootcert"]) == ("verify-ca", "/a b/ca.pem")
    words = conninfo_to_dict(tls.postgres_url("host=db dbname=lms"))
    assert (words["host"], words["sslmode"]) == ("db", "verify-full")
    fields = parse_url(tls.redis_url("rediss://cache/0?ssl_ca_certs=/ca.pem"))
    assert fields["ssl_ca_certs"] == "/ca.pem"
    assert fields["ssl_check_hostname"] is True


def test_a_component_can_be_left_plain_by_name_alone(
    local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMS_TLS_PLAIN", "http, flink")
    assert HttpSettings().lms_url.startswith("http://")
    assert FlinkSettings().rest_url.startswith("http://")
    assert RedisSettings().url.startswith("rediss://")
    monkeypatch.setenv("LMS_TLS_PLAIN", "htpp")
    with pytest.raises(
        Misconfigured, match=r"LMS_TLS_PLAIN names htpp: the components are http, kafka"
    ):
        tls.on("http")


def test_a_mode_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_TLS", "yes")
    with pytest.raises(Misconfigured, match=r"LMS_TLS is 'yes': choose from off, local, on"):
        tls.TlsSettings()


def test_a_process_without_a_certificate_says_which_setting_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LMS_TLS", "on")
    with pytest.raises(Misconfigured, match="LMS_TLS_CERT is not set"):
        tls.server_context()
    monkeypatch.setenv("LMS_TLS_CERT", str(tmp_path / "none.pem"))
    with pytest.raises(Misconfigured, match=r"none\.pem cannot be used \(LMS_TLS_CERT\)"):
        tls.server_context()
    monkeypatch.setenv("LMS_TLS_CA", str(tmp_path / "none.pem"))
    with pytest.raises(Misconfigured, match=r"none\.pem cannot be used \(LMS_TLS_CA\)"):
        tls.client_context()


# --- the JDBC address ---------------------------------------------------------------------------


def test_the_jdbc_address_keeps_what_the_address_says_of_tls() -> None:
    url = "postgresql://u:p@db:6432/a%20b?sslmode=verify-full&sslrootcert=/etc/ca.pem"
    assert jdbc.address(url, SETTING, reWriteBatchedInserts="true") == (
        "jdbc:postgresql://db:6432/a%20b?reWriteBatchedInserts=true"
        "&sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem"
    )


def test_the_jdbc_address_of_several_servers_names_them_all() -> None:
    url = "postgresql://a,b:5433/analytics?target_session_attrs=read-write&connect_timeout=3"
    assert jdbc.address(url, SETTING) == (
        "jdbc:postgresql://a:5432,b:5433/analytics?connectTimeout=3&targetServerType=primary"
    )


@pytest.mark.parametrize("parameter", ["sslcrl=/crl.pem", "require_auth=scram-sha-256"])
def test_what_the_jdbc_driver_cannot_be_told_is_refused(parameter: str) -> None:
    name = parameter.partition("=")[0]
    with pytest.raises(Misconfigured, match=f"{SETTING} has {name}"):
        jdbc.address(f"postgresql://db/analytics?{parameter}", SETTING)


def test_a_client_key_goes_to_the_jdbc_driver_as_der(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_TLS", "on")
    monkeypatch.setenv("LMS_TLS_CLIENT", "/etc/tls/client.pem")
    url = jdbc.address(tls.postgres_url("postgresql://db/analytics"), SETTING)
    assert "sslcert=%2Fetc%2Ftls%2Fclient.crt&sslkey=%2Fetc%2Ftls%2Fclient.pk8" in url
    with pytest.raises(Misconfigured, match=r"sslkey=/other\.key, which Flink's JDBC driver"):
        jdbc.address("postgresql://db/analytics?sslkey=/other.key", SETTING)


# --- handshakes ---------------------------------------------------------------------------------


@contextmanager
def listening(
    context: ssl.SSLContext, answer: Callable[[ssl.SSLSocket], None] = lambda connection: None
) -> Iterator[tuple[int, list[str]]]:
    """A server on loopback: its port, and what became of each handshake."""
    outcomes: list[str] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = server.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) as connection:
                    outcomes.append(str(connection.version()))
                    answer(connection)
            except OSError as error:
                outcomes.append(f"refused: {error}")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1], outcomes
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


def greet(connection: ssl.SSLSocket) -> None:
    connection.sendall(b"!")


def handshake(port: int, context: ssl.SSLContext, name: str = "127.0.0.1") -> str | None:
    """The version that a client and a server agree on, once the server has said something."""
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain, server_hostname=name) as connection,
    ):
        assert connection.recv(1) == b"!"
        return connection.version()


def test_our_processes_refuse_a_client_with_tls_1_2(local: Path) -> None:
    with listening(tls.server_context(), greet) as (port, _):
        assert handshake(port, tls.client_context()) == "TLSv1.3"
        older = ssl.create_default_context(cafile=tls.folder() / "ca.pem")
        older.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
            handshake(port, older)


def test_our_clients_refuse_a_server_with_tls_1_2(local: Path) -> None:
    older = tls.server_context()
    older.minimum_version = ssl.TLSVersion.TLSv1_2
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    with listening(older, greet) as (port, _), pytest.raises(ssl.SSLError, match=r"(?i)protocol"):
        handshake(port, tls.client_context())


def test_our_clients_refuse_another_authority_and_another_name(
    local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(tls.server_context(), greet) as (port, _):
        with pytest.raises(ssl.SSLCertVerificationError, match="not valid for 'elsewhere'"):
            handshake(port, tls.client_context(), "elsewhere")
        monkeypatch.setenv("LMS_LOCAL_NAME", "other")
        authority.issue("lms")
        with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
            handshake(port, tls.client_context())


def test_where_callers_need_a_certificate_nobody_is_answered_without_one(
    local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMS_TLS_CLIENT_CA", str(tls.folder() / "ca.pem"))
    with listening(tls.server_context(), greet) as (port, _):
        with pytest.raises(ssl.SSLError, match=r"(?i)certificate.required"):
            handshake(port, tls.client_context())
        monkeypatch.setenv("LMS_TLS_CLIENT", str(authority.issue("client")))
        assert handshake(port, tls.client_context()) == "TLSv1.3"


_KAFKA = """
from stack.kafka import KafkaSettings
from confluent_kafka.admin import AdminClient
conf = KafkaSettings(sasl_password="x").client() | {"log_level": 0}
try:
    AdminClient(conf).list_topics(timeout=1)
except Exception:
    pass
"""


@pytest.mark.parametrize(("version", "agreed"), [("TLSv1_3", True), ("TLSv1_2", False)])
def test_librdkafka_talks_tls_1_3_and_nothing_older(
    local: Path, monkeypatch: pytest.MonkeyPatch, version: str, agreed: bool
) -> None:
    # In a process of its own: OpenSSL reads its file when the first client is made.
    context = tls.server_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion[version]
    with listening(context) as (port, outcomes):
        monkeypatch.setenv("LMS_KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{port}")
        monkeypatch.delenv("OPENSSL_CONF", raising=False)
        subprocess.run([sys.executable, "-c", _KAFKA], cwd=REPOSITORY, check=True, timeout=60)
    assert outcomes
    assert all((outcome == "TLSv1.3") is agreed for outcome in outcomes), outcomes


def _collections(connection: ssl.SSLSocket) -> None:
    """An answer to whatever is asked, as Qdrant gives it."""
    connection.recv(65536)
    body = json.dumps({"result": {"collections": []}, "status": "ok", "time": 0.0}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    connection.sendall(head.encode() + b"Connection: close\r\n\r\n" + body)


def test_the_client_of_qdrant_trusts_our_authority(
    local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(tls.server_context(), _collections) as (port, outcomes):
        monkeypatch.setenv("LMS_QDRANT_URL", f"http://127.0.0.1:{port}")
        assert qdrant.client().get_collections().collections == []
    assert outcomes == ["TLSv1.3"]


def test_a_key_beside_its_certificate_is_found_where_it_is_named(
    local: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = local.read_bytes()
    key = load_pem_private_key(text, None)
    chain = text[text.index(b"-----BEGIN CERTIFICATE") :]
    (tmp_path / "chain.pem").write_bytes(chain)
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    monkeypatch.setenv("LMS_TLS_CA", str(tls.folder() / "ca.pem"))
    monkeypatch.setenv("LMS_TLS", "on")
    monkeypatch.setenv("LMS_TLS_CERT", str(tmp_path / "chain.pem"))
    monkeypatch.setenv("LMS_TLS_KEY", str(tmp_path / "key.pem"))
    with listening(tls.server_context(), greet) as (port, _):
        assert handshake(port, tls.client_context()) == "TLSv1.3"
