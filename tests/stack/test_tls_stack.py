"""The whole stack with ``LMS_TLS=local``: one event's way, and who is refused at each port."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.ids import new_id
from stack import tls
from stack.local import authority
from stack.profile import REPOSITORY, profile
from tests.e2e.product import Operator, Product
from tests.waiting import until, until_equal

pytestmark = [pytest.mark.integration, pytest.mark.flink, pytest.mark.timeout(900)]

_NAME = f"{profile().name}-tls"
_OFFSET = profile().port_offset + 3000

PORTS = {
    "lms": 18000,
    "serving": 18010,
    "dashboards": 18020,
    "inbox": 18030,
    "monitor": 18040,
    "kafka": 19092,
    "kafka, controller": 19093,
    "redis": 16379,
    "flink, REST": 18081,
    "flink, between its processes": 16123,
}
"""Who shakes hands as soon as a client connects; PostgreSQL does after a message of its own."""


def _environment(mode: str) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "LMS_LOCAL_NAME": _NAME,
        "LMS_LOCAL_PORT_OFFSET": str(_OFFSET),
        "LMS_LOCAL_TASK_MANAGER_MEMORY_MB": "2048",
        "LMS_TLS": mode,
    }


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """Up, with TLS, over the data of servers that ran without."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _environment("local").items():
            patch.setenv(name, value)
        authority.issue("lms")
        trusting = {"verify": tls.client_context(), "timeout": 30}
    lms, serving, dashboards = (
        httpx.Client(base_url=f"https://127.0.0.1:{PORTS[name] + _OFFSET}", **trusting)
        for name in ("lms", "serving", "dashboards")
    )
    product = Product(_environment("local"), lms, serving, dashboards)
    plain = Product(_environment("off"), lms, serving, dashboards)
    lms.auth = serving.auth = dashboards.auth = Operator(product)
    product.command("down")
    try:
        plain.command("up", "kafka", "postgres", "redis", timeout_s=300)
        plain.python(_WRITTEN)
        done = product._run(["up", "redis"], 60)
        assert done.returncode == 1, done.stdout
        assert "is up with LMS_TLS=off: set that, or run learnstream down first" in done.stderr
        plain.command("down")
        product.command("up", timeout_s=600)
        yield product
    finally:
        product.command("down")
        product.command("wipe", "--all", "--yes")
        for client in (lms, serving, dashboards):
            client.close()


_WRITTEN = """
from stack import postgres, redis
with postgres.connect_lms(autocommit=True) as lms:
    lms.execute("CREATE TABLE kept AS SELECT 42 AS answer")
redis.client().set("kept", 42)
"""
_KEPT = """
from stack import postgres, redis
with postgres.connect_lms() as lms:
    print(lms.execute("SELECT answer FROM kept").fetchone()[0], int(redis.client().get("kept")))
"""


def context(version: ssl.TLSVersion, trusted: Path) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=trusted)
    made.minimum_version = made.maximum_version = version
    return made


@pytest.fixture(scope="module")
def ca(product: Product) -> Path:
    return Path(product.python("from stack import tls; print(tls.folder() / 'ca.pem')"))


@pytest.fixture(scope="module")
def other_ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an authority that signed for nobody here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMS_LOCAL_ROOT", str(tmp_path_factory.mktemp("other")))
        authority.issue("lms")
        return tls.folder() / "ca.pem"


def shake_hands(port: int, with_: ssl.SSLContext) -> str | None:
    """The version agreed on; what the server thinks of it is known after reading once."""
    with (
        socket.create_connection(("127.0.0.1", port + _OFFSET), 5) as plain,
        with_.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        return connection.version()


def post(client: httpx.Client, path: str, body: dict[str, Any]) -> Any:
    answer = client.post(f"/api/v1{path}", json=body)
    assert answer.is_success, answer.text
    return answer.json()


def test_what_was_written_without_tls_is_there_with_it(product: Product) -> None:
    assert product.python(_KEPT) == "42 42"


def test_an_event_goes_its_whole_way_encrypted(product: Product) -> None:
    lms = product.lms
    instructor, learner = (
        post(lms, "/users", {"email": f"{new_id()}@example.org", "name": "Sam", "role": role})["id"]
        for role in ("instructor", "student")
    )
    course = post(lms, "/courses", {"title": "Sundials", "instructor_id": instructor})["id"]
    page = {"kind": "page", "title": "Shadows", "metadata": {"body": "A shadow *moves*."}}
    item = post(lms, f"/courses/{course}/items", page)["id"]
    post(lms, f"/courses/{course}/publish", {})
    post(lms, f"/courses/{course}/enrollments", {"user_id": learner})
    body = {"event_type": "content.viewed", "user_id": learner}
    post(lms, f"/courses/{course}/items/{item}/events", body)

    rows = f"""
from stack import postgres
with postgres.connect_analytics() as connection:
    for table in ("activity_events", "course_activity_minute"):
        found = connection.execute(
            f"SELECT count(*) FROM {{table}} WHERE course_id = '{course}'"
        )
        print(found.fetchone()[0] > 0)
"""
    until_equal(lambda: product.python(rows).split(), ["True", "True"], every_s=1.0)
    for client in (product.serving, product.dashboards):
        until(
            lambda client=client: client.get("/health/ready"),
            "it is ready",
            accepts=lambda answer: answer.status_code == 200,
        )
    answer = product.serving.get("/api/v1/search", params={"q": "shadows"})
    assert answer.status_code == 200, answer.text
    report = product.said("verify", "--json", "--wait", "120", timeout_s=300)
    assert report["equal"], report


@pytest.mark.parametrize("component", PORTS)
def test_a_client_with_tls_1_2_is_refused(product: Product, ca: Path, component: str) -> None:
    if component != "flink, between its processes":  # which asks for a certificate as well
        assert shake_hands(PORTS[component], context(ssl.TLSVersion.TLSv1_3, ca)) == "TLSv1.3"
    with pytest.raises(OSError) as refused:  # ssl.SSLError is one: some close without a word
        shake_hands(PORTS[component], context(ssl.TLSVersion.TLSv1_2, ca))
    assert not isinstance(refused.value, TimeoutError | ConnectionRefusedError), refused.value


@pytest.mark.parametrize("component", PORTS)
def test_a_client_refuses_an_authority_that_it_does_not_know(
    product: Product, other_ca: Path, component: str
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(PORTS[component], context(ssl.TLSVersion.TLSv1_3, other_ca))


def test_postgres_is_reached_with_tls_1_3_and_its_authority_alone(
    product: Product, ca: Path, other_ca: Path
) -> None:
    ask = """
import psycopg
from psycopg.conninfo import make_conninfo
from stack.postgres import PostgresSettings
for options in (
    dict(sslmode="verify-full"),
    dict(sslmode="disable"),
    dict(ssl_min_protocol_version="TLSv1.2", ssl_max_protocol_version="TLSv1.2"),
    dict(sslrootcert={other!r}),
):
    try:
        with psycopg.connect(make_conninfo(PostgresSettings().lms_url, **options)) as connection:
            version = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            print(connection.execute(version).fetchone()[0])
    except psycopg.OperationalError as error:
        print(" ".join(str(error).split()))
"""
    spoken, plain, older, stranger = product.python(ask.format(other=str(other_ca))).splitlines()
    assert spoken == "TLSv1.3"
    assert "no encryption" in plain
    assert "protocol version" in older
    assert "certificate verify failed" in stranger


def test_our_own_clients_give_up_before_they_say_who_they_are(
    product: Product, other_ca: Path
) -> None:
    """Kafka's, Redis's and Flink's, with an authority that signed for nobody."""
    ask = """
from confluent_kafka import KafkaError, KafkaException
from redis.exceptions import ConnectionError
from contracts.errors import Retryable
from pipelines import cluster
from stack import redis
from stack.kafka import admin

said = []
client = admin(log_level=0, error_cb=said.append)
try:
    client.list_topics(timeout=3)
except KafkaException:
    client.poll(1)
    print(any(error.code() == KafkaError._SSL for error in said))
try:
    redis.client().ping()
except ConnectionError as error:
    print("certificate verify failed" in str(error))
try:
    cluster.state("0" * 32)
except Retryable as error:
    print("certificate verify failed" in str(error.__cause__))
"""
    stranger = Product(
        product.env | {"LMS_TLS_CA": str(other_ca)},
        product.lms,
        product.serving,
        product.dashboards,
    )
    assert stranger.python(ask).split() == ["True"] * 3


def test_who_speaks_plainly_is_not_answered(product: Product) -> None:
    for component, words in {"redis": b"PING\r\n", "lms": b"GET / HTTP/1.0\r\n\r\n"}.items():
        with socket.create_connection(("127.0.0.1", PORTS[component] + _OFFSET), 5) as plain:
            plain.sendall(words)
            try:
                answer = plain.recv(64)
            except ConnectionResetError:
                answer = b""
        assert not answer.startswith((b"+PONG", b"HTTP", b"-"))


def test_switched_off_again_all_is_there(product: Product) -> None:
    product.command("down")
    plain = Product(_environment("off"), product.lms, product.serving, product.dashboards)
    plain.command("up", "kafka", "postgres", "redis", timeout_s=300)
    assert plain.python(_KEPT) == "42 42"
    plain.command("down")
