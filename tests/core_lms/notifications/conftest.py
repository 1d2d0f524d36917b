"""A real mail server and a real push service, each a process; notifications recorded and sent."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import ipaddress
import json
import mailbox
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from psycopg_pool import AsyncConnectionPool

from contracts.envelope import Envelope, wrap
from contracts.event import Event
from core_lms.notifications import service
from core_lms.notifications.sender import Sender
from core_lms.notifications.settings import settings
from core_lms.unit import Unit
from core_lms.units import transaction
from gateway.caller import service as consumer
from stack.postgres import PostgresSettings, pool
from tests.ports import free_port
from tests.waiting import until

HERE = Path(__file__).parent


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start(script: str, port: int, *argv: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(HERE / script), str(port), *map(str, argv)]
    process = subprocess.Popen(command)
    until(lambda: listening(port) or process.poll() is not None, f"{script} listens")
    assert process.poll() is None
    return process


@dataclass
class MailServer:
    """A process; ``to`` reads what it took for one address."""

    folder: Path
    port: int = field(default_factory=free_port)

    def to(self, address: str) -> list[EmailMessage]:
        found = [
            message
            for message in mailbox.Maildir(self.folder, create=False, factory=None)
            if message["X-RcptTo"] == address
        ]
        read = [__import__("email").message_from_bytes(bytes(m), policy=default) for m in found]
        return sorted(read, key=lambda mail: str(mail["Date"]))


@dataclass
class PushService:
    """A process and the one browser it serves."""

    file: Path
    port: int = field(default_factory=free_port)
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def subscription(self, path: str) -> dict[str, Any]:
        """What the browser's ``PushManager.subscribe`` would return."""
        point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        keys = {"p256dh": text(point), "auth": text(self.auth)}
        return {"endpoint": f"{self.origin}{path}", "keys": keys}

    def private(self) -> str:
        return text(self.key.private_numbers().private_value.to_bytes(32, "big"))

    def received(self) -> list[dict[str, Any]]:
        if not self.file.exists():
            return []
        return [json.loads(line) for line in self.file.read_text().splitlines()]


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def mail_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    server = MailServer(tmp_path_factory.mktemp("mail") / "box")
    process = start("mail_process.py", server.port, server.folder)
    yield server
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def push_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushService]:
    made = PushService(tmp_path_factory.mktemp("push") / "received")
    process = start("push_process.py", made.port, made.file, made.private(), text(made.auth))
    yield made
    process.kill()
    process.wait()


def environment(mail_server: MailServer, push_service: PushService) -> dict[str, str]:
    return {
        "LMS_NOTIFICATIONS_SMTP_HOST": "127.0.0.1",
        "LMS_NOTIFICATIONS_SMTP_PORT": str(mail_server.port),
        "LMS_NOTIFICATIONS_SMTP_SECURITY": "none",
        "LMS_NOTIFICATIONS_MAIL_FROM": "courses@example.org",
        "LMS_NOTIFICATIONS_PUSH_SERVICES": push_service.origin,
    }


@pytest.fixture
def ways(
    mail_server: MailServer, push_service: PushService, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Mail and push go to the two processes."""
    for name, value in environment(mail_server, push_service).items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield
    settings.cache_clear()


@dataclass
class Post:
    """Notifies people of events and sends what is due, as the inbox's process does."""

    lms: Any

    def envelope(self, event: Event, at: dt.datetime | None = None) -> Envelope:
        return wrap(
            event, institution_id=self.lms.institution_id, source_service="test", timestamp=at
        )

    def notify(self, event: Event, at: dt.datetime | None = None, times: int = 1) -> None:
        envelope = self.envelope(event, at)
        for _ in range(times):
            self.unit(lambda unit: service.record(unit, envelope))

    def unit(self, act: Callable[[Unit], Awaitable[Any]]) -> Any:
        async def run(database: AsyncConnectionPool[Any]) -> Any:
            caller = consumer("notifications.tell", self.lms.institution_id)
            async with transaction(database, caller) as unit:
                return await act(unit)

        return self.inside(run)

    def send(self) -> int:
        """Send everything that is due; returns how much that was."""

        async def run(database: AsyncConnectionPool[Any]) -> int:
            sender, sent = Sender(database, settings()), 0
            while claimed := await sender.claim():
                await sender.send_all(claimed)
                sent += len(claimed)
            return sent

        return int(self.inside(run))

    def inside(self, act: Callable[[AsyncConnectionPool[Any]], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            async with pool(PostgresSettings().app_url) as database:
                return await act(database)

        return asyncio.run(run())

    def deliveries(self, user_id: str) -> dict[str, tuple[str, str | None]]:
        """Status and reason by channel."""
        rows = self.lms.database.execute(
            "SELECT channel, delivery.status, reason FROM notification_deliveries AS delivery "
            "JOIN notifications ON notifications.id = notification_id WHERE user_id = %s",
            [user_id],
        )
        return {channel: (status, reason) for channel, status, reason in rows}

    def due_now(self) -> None:
        self.lms.database.execute(
            "UPDATE notification_deliveries SET next_try_at = now() WHERE status = 'pending' "
            "AND institution_id = %s",
            [self.lms.institution_id],
        )


@pytest.fixture
def post(lms: Any) -> Post:
    return Post(lms)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return public, private
