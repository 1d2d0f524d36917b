"""Rates as they are written, and addresses as far as proxies are trusted."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.limits.address import client_address
from gateway.limits.settings import LimitSettings, Rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("20/s burst 100", Rate(20, 100)),
        ("30/min burst 60", Rate(0.5, 60)),
        ("36/h burst 1", Rate(0.01, 1)),
        ("off", None),
    ],
)
def test_a_rate_is_read_as_it_is_written(
    monkeypatch: pytest.MonkeyPatch, text: str, rate: Rate | None
) -> None:
    monkeypatch.setenv("LMS_LIMITS_READ", text)
    assert LimitSettings().read == rate


@pytest.mark.parametrize("text", ["20", "0/s burst 5", "20/s burst 0", "20/d burst 5", "fast"])
def test_what_is_no_rate_is_refused_with_an_example(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("LMS_LIMITS_READ", text)
    with pytest.raises(ValidationError, match="20/s burst 100"):
        LimitSettings()


PEER = "10.0.0.7"


@pytest.mark.parametrize(
    ("trusted", "forwarded", "expected"),
    [
        # Nobody is trusted: whatever a client writes, its own address counts.
        ("", "198.51.100.1", "10.0.0.7"),
        ("192.0.2.0/24", "198.51.100.1", "10.0.0.7"),
        ("10.0.0.0/8", "", "10.0.0.7"),
        ("10.0.0.0/8", "198.51.100.1", "198.51.100.1"),
        # A client that writes the header itself gains nothing: its proxy appended the truth.
        ("10.0.0.0/8", "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.0/8", "203.0.113.9, 198.51.100.1, 10.1.2.3", "198.51.100.1"),
        ("10.0.0.0/8", "nonsense, 10.1.2.3", "10.1.2.3"),
        ("10.0.0.0/8", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("10.0.0.0/8", "::ffff:198.51.100.1", "198.51.100.1"),
    ],
)
def test_the_address_is_that_of_the_first_stranger(
    monkeypatch: pytest.MonkeyPatch, trusted: str, forwarded: str, expected: str
) -> None:
    monkeypatch.setenv("LMS_LIMITS_TRUSTED_PROXIES", trusted)
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    scope: dict[str, Any] = {"client": (PEER, 1234), "headers": headers}
    assert client_address(scope, LimitSettings().trusted_proxies) == expected


def test_a_proxy_network_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_LIMITS_TRUSTED_PROXIES", "10.0.0.0/8, everybody")
    with pytest.raises(ValidationError, match="trusted_proxies"):
        LimitSettings()
