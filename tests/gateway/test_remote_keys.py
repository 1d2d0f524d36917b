"""The LMS's public keys in a process without its database, and what counts while it is away."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import httpx
import pytest
from joserfc.jwk import OKPKey

from contracts.errors import Retryable
from contracts.ids import DEFAULT_INSTITUTION, new_id
from gateway.errors import Unauthenticated
from gateway.keys import MIN_REFRESH_S
from gateway.middleware import by_token
from gateway.remote_keys import RemoteKeys
from gateway.settings import LONGEST_LIFETIME_S
from gateway.tokens import Verifier, issue


class Published:
    """The LMS: signs with its newest key, publishes all of them, and may be away."""

    def __init__(self) -> None:
        self.now, self.away, self.asked = 1_800_000_000.0, False, 0
        self.keys: dict[str, OKPKey] = {}
        self.add()

    def add(self) -> str:
        kid = new_id()
        self.keys[kid] = OKPKey.generate_key("Ed25519")
        return kid

    def signer(self) -> tuple[str, OKPKey]:
        return list(self.keys.items())[-1]

    def token(self) -> str:
        ring: Any = self
        return issue(ring, DEFAULT_INSTITUTION, user_id=new_id(), now=self.now, lifetime_s=3600)

    def fetch(self) -> str:
        self.asked += 1
        if self.away:
            raise httpx.ConnectError("refused")
        return json.dumps(
            {"keys": [{**key.as_dict(private=False), "kid": kid} for kid, key in self.keys.items()]}
        )

    def clock(self) -> float:
        return self.now


@pytest.fixture
def lms() -> Published:
    return Published()


@pytest.fixture
def keys(lms: Published) -> RemoteKeys:
    return RemoteKeys(lms.fetch, lms.clock)


def verified(keys: RemoteKeys, lms: Published, token: str) -> Any:
    """As the gateway does it: looks once more for a key it does not know."""
    verifier = Verifier(keys, lms.clock)
    kid = verifier.kid(token)
    if kid is not None and keys.public(kid) is None:
        keys.refresh()
    return verifier.verify(token)


def test_a_token_of_the_lms_is_recognised_without_its_database(
    lms: Published, keys: RemoteKeys
) -> None:
    assert verified(keys, lms, lms.token()).kind == "person"
    lms.now += MIN_REFRESH_S
    lms.add()
    assert verified(keys, lms, lms.token()).kind == "person", "a key that was made meanwhile"


def test_a_key_that_is_published_no_longer_counts_no_longer(
    lms: Published, keys: RemoteKeys
) -> None:
    token = lms.token()
    verified(keys, lms, token)
    lms.keys.clear()
    lms.add()
    lms.now += MIN_REFRESH_S
    keys.refresh()
    with pytest.raises(Unauthenticated):
        verified(keys, lms, token)


def test_forged_tokens_make_one_fetch_a_second_however_many_come(
    lms: Published, keys: RemoteKeys
) -> None:
    forged = Published()
    scheme = by_token(keys)

    async def ask() -> list[Any]:
        tokens = [forged.token() for _ in range(50) if forged.add()]
        return await asyncio.gather(
            *(scheme(token, DEFAULT_INSTITUTION) for token in tokens), return_exceptions=True
        )

    assert all(isinstance(answer, Unauthenticated) for answer in asyncio.run(ask()))
    assert lms.asked == 1


def test_forged_tokens_take_one_thread_while_the_lms_hangs(lms: Published) -> None:
    threads: set[int] = set()
    hanging = threading.Event()

    def fetch() -> str:
        threads.add(threading.get_ident())
        hanging.wait(0.2)
        raise httpx.ReadTimeout("hangs")

    scheme, forged = by_token(RemoteKeys(fetch, lms.clock)), Published()

    async def ask() -> list[Any]:
        return await asyncio.gather(
            *(scheme(forged.token(), DEFAULT_INSTITUTION) for _ in range(30)),
            return_exceptions=True,
        )

    assert all(isinstance(answer, Retryable) for answer in asyncio.run(ask()))
    assert len(threads) == 1


def test_while_the_lms_is_away_its_keys_live_as_long_as_their_tokens_may(
    lms: Published, keys: RemoteKeys
) -> None:
    token = lms.token()
    verified(keys, lms, token)
    lms.away = True
    lms.now += LONGEST_LIFETIME_S - 1
    with pytest.raises(Retryable):
        keys.refresh()
    assert verified(keys, lms, token).kind == "person"
    lms.now += 2
    with pytest.raises(Retryable):
        verified(keys, lms, token)


def test_who_cannot_be_recognised_while_the_lms_is_away_is_asked_to_come_back(
    lms: Published, keys: RemoteKeys
) -> None:
    lms.away = True
    for _ in range(3):  # the second is within the second after the first
        with pytest.raises(Retryable):
            verified(keys, lms, lms.token())
    assert lms.asked == 1
    lms.away = False
    lms.now += MIN_REFRESH_S
    assert verified(keys, lms, lms.token()).kind == "person"


@pytest.mark.parametrize("text", ["", "{}", '{"keys": [7]}', '{"keys": [{"kid": "a"}]}'])
def test_what_is_no_key_set_changes_nothing(lms: Published, text: str) -> None:
    answers = [lms.fetch()]
    keys = RemoteKeys(lambda: answers[-1], lms.clock)
    keys.refresh()
    answers.append(text)
    lms.now += MIN_REFRESH_S
    with pytest.raises(Retryable):
        keys.refresh()
    assert keys.public(lms.signer()[0]) is not None
