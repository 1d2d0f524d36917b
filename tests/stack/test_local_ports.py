"""A taken port is a sentence: which, who needs it, who has it, what to set."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from contracts.errors import Misconfigured
from stack.local import ports
from stack.local.catalogue import COMPONENTS
from stack.profile import profile


@pytest.fixture
def redis_port_taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = int(listener.getsockname()[1])
        monkeypatch.setenv("LMS_LOCAL_PORT_OFFSET", str(port - 16379))
        yield port


def test_a_taken_port_is_named_with_its_holder_and_the_way_out(redis_port_taken: int) -> None:
    with pytest.raises(Misconfigured) as caught:
        ports.require_free([COMPONENTS["redis"]])
    sentence = caught.value.message
    assert f"port {redis_port_taken}, which redis needs" in sentence
    assert f"(pid {os.getpid()})" in sentence
    assert "LMS_LOCAL_PORT_OFFSET" in sentence
    assert "\n" not in sentence


def test_a_free_port_is_free() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    assert ports.is_free(port)


def test_no_two_components_want_the_same_port() -> None:
    wanted = [port for component in COMPONENTS.values() for port in component.ports()]
    assert len(wanted) == len(set(wanted))


def test_every_port_moves_with_the_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_LOCAL_PORT_OFFSET", "0")
    before = [port for component in COMPONENTS.values() for port in component.ports()]
    monkeypatch.setenv("LMS_LOCAL_PORT_OFFSET", "7")
    assert profile().port_offset == 7
    after = [port for component in COMPONENTS.values() for port in component.ports()]
    assert after == [port + 7 for port in before]
