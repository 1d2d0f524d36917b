"""A provider is somewhere on the Internet, and people come back to somewhere that is a place."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from contracts.errors import Rejected
from core_lms.sso import service
from core_lms.sso.provider import Directory
from core_lms.sso.settings import SsoSettings

INSIDE = (
    "https://127.0.0.1:{port}",
    "https://localhost:{port}",
    "https://169.254.169.254",
    "https://10.0.0.7",
    "https://[::1]:{port}",
    "https://[::ffff:127.0.0.1]:{port}",
    "https://2130706433:{port}",
    "https://0x7f.1:{port}",
    "https://database",
    "https://metadata.google.internal",
)


class Listener:
    """A socket that counts who comes."""

    def __init__(self) -> None:
        self.came = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.came += 1
            connection.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Directory:
    """Providers as an installation with the default settings knows them."""
    own = Directory(SsoSettings())
    monkeypatch.setattr(service, "directory", lambda: own)
    return own


@pytest.mark.integration
@pytest.mark.parametrize("issuer", INSIDE)
def test_a_provider_inside_is_refused_when_it_is_named(
    lms: Any, guarded: Directory, listener: Listener, issuer: str
) -> None:
    answer = lms.post("/sso/providers", provider(issuer.format(port=listener.port)))
    assert answer.status_code == 422
    assert "LMS_SSO_ALLOW_PRIVATE" in answer.json()["detail"]
    assert listener.came == 0


def test_a_name_that_stands_for_an_inside_address_is_not_connected_to(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, an open port answered at once and a closed one was away: an oracle of both."""

    async def inside(*args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", listener.port))]

    async def ask() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", inside)
        await Directory(SsoSettings()).metadata(f"https://login.example.org:{listener.port}")

    with pytest.raises(Rejected, match="LMS_SSO_ALLOW_PRIVATE"):
        asyncio.run(ask())
    assert listener.came == 0


def test_what_a_provider_s_description_names_is_guarded_like_the_provider(
    listener: Listener,
) -> None:
    for address in ("https://169.254.169.254/token", f"https://127.0.0.1:{listener.port}/keys"):
        with pytest.raises(Rejected, match="LMS_SSO_ALLOW_PRIVATE"):
            asyncio.run(Directory(SsoSettings())._ask("GET", address))
    assert listener.came == 0


@pytest.mark.integration
@pytest.mark.parametrize(
    ("redirect", "status"),
    [
        ("javascript:alert(document.domain)//x.y", 422),
        ("javascript:fetch(`//evil.example`)", 422),
        ("data:text/html,<script>alert(1)</script>", 422),
        ("vbscript:x", 422),
        ("file:///etc/passwd", 422),
        ("http://learn.example.org/back", 422),
        ("http://localhost.evil.example/back", 422),
        ("learnapp:/back", 422),
        ("https://learn.example.org/back", 201),
        ("http://127.0.0.1:8080/back", 201),
        ("http://localhost/back", 201),
        ("org.example.learn:/back", 201),
    ],
)
def test_people_come_back_over_tls_or_to_an_app_and_never_into_a_script(
    lms: Any, guarded: Directory, redirect: str, status: int
) -> None:
    wanted = provider("https://login.example.org") | {"redirect_uris": [redirect]}
    assert lms.post("/sso/providers", wanted).status_code == status


def provider(issuer: str) -> dict[str, Any]:
    return {
        "name": "campus",
        "title": "Campus login",
        "issuer": issuer,
        "client_id": "learnstream",
        "client_secret": "a secret",
        "redirect_uris": ["https://learn.example.org/back"],
    }
