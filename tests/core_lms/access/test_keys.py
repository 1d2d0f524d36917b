"""Signing keys grow old, follow each other, and are agreed on by processes that never talk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from contracts.errors import Misconfigured, Rejected
from contracts.ids import new_id
from gateway.errors import Unauthenticated
from gateway.keys import MIN_REFRESH_S, ROTATION_LEAD_S, KeyRing
from gateway.settings import LONGEST_LIFETIME_S, AccessSettings
from gateway.tokens import Verifier, issue
from stack.postgres import PostgresSettings

pytestmark = pytest.mark.integration

SETTINGS = AccessSettings(key_rotation_days=30, key_lead_s=3600)


@pytest.fixture
def process(keys_database: PostgresSettings, clock: Any) -> Any:
    """Makes the ring of one more process; all have the test's clock."""
    return lambda: KeyRing(keys_database.app_url, SETTINGS, clock)


def states(ring: KeyRing) -> list[str]:
    return [state for _, state in ring.listed()]


def test_processes_that_start_together_sign_with_the_same_first_key(process: Any) -> None:
    with ThreadPoolExecutor(8) as threads:
        signers = list(threads.map(lambda _: process().signer()[0], range(8)))
    assert len(set(signers)) == 1


def test_the_next_key_is_published_before_it_signs_and_the_last_one_counts_after(
    process: Any, clock: Any
) -> None:
    ring, other = process(), process()
    first = ring.signer()[0]
    clock.advance(days=30, hours=-2)
    assert states(ring) == ["current"]

    clock.advance(hours=1.5)
    assert states(ring) == ["current", "next"]
    published = {key["kid"] for key in other.public_keys()}
    assert len(published) == 2
    assert ring.signer()[0] == other.signer()[0] == first

    clock.advance(hours=1)
    second = ring.signer()[0]
    assert second in published - {first}
    assert other.signer()[0] == second
    assert states(ring) == ["superseded", "current"]
    assert other.public(first) is not None

    clock.advance(seconds=LONGEST_LIFETIME_S + 120)
    assert states(ring) == ["retired", "current"]
    assert other.public(first) is None
    assert [key["kid"] for key in other.public_keys()] == [second]


def test_of_many_processes_that_find_an_old_key_one_makes_the_next(
    process: Any, clock: Any
) -> None:
    process().signer()
    clock.advance(days=30, seconds=-60)
    rings = [process() for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda ring: ring.refresh(), rings))
    assert states(process()) == ["current", "next"]


def test_an_installation_that_slept_past_the_rotation_goes_on(process: Any, clock: Any) -> None:
    first = process().signer()[0]
    clock.advance(days=400)
    ring = process()
    assert ring.signer()[0] == first, "nobody knows another one yet"
    assert states(ring) == ["current", "next"]
    clock.advance(hours=1)
    assert ring.signer()[0] != first


def test_a_token_of_a_key_made_elsewhere_is_accepted_once_the_ring_looked_again(
    process: Any, clock: Any
) -> None:
    here, there = process(), process()
    here.signer()
    clock.advance(seconds=MIN_REFRESH_S)
    kid = there.rotate()
    assert there.signer()[0] != kid, "not before everybody can have read it"
    clock.advance(seconds=ROTATION_LEAD_S)
    token = issue(there, new_id(), user_id=new_id(), now=clock())
    assert here.public(kid) is None
    here.refresh()
    assert Verifier(here, clock).verify(token).kind == "person"


def test_forged_keys_make_us_look_at_most_every_few_seconds(
    process: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = process()
    ring.signer()
    looked = []
    connect = psycopg.connect
    monkeypatch.setattr(psycopg, "connect", lambda url: looked.append(url) or connect(url))
    for _ in range(50):
        ring.refresh()
    assert not looked
    clock.advance(seconds=MIN_REFRESH_S)
    for _ in range(50):
        ring.refresh()
    assert len(looked) == 1


def test_what_a_revoked_key_has_signed_counts_no_more_and_another_one_signs(
    process: Any, clock: Any
) -> None:
    ring = process()
    token = issue(ring, new_id(), user_id=new_id(), now=clock())
    verifier = Verifier(ring, clock)
    verifier.verify(token)
    stolen = ring.signer()[0]

    ring.revoke(stolen)

    with pytest.raises(Unauthenticated):
        verifier.verify(token)
    assert ring.signer()[0] != stolen
    assert [key["kid"] for key in ring.public_keys()] == [ring.signer()[0]]
    with pytest.raises(Rejected, match="no signing key"):
        ring.revoke(new_id())


def test_where_the_next_key_is_revoked_another_one_follows_in_time(
    process: Any, clock: Any
) -> None:
    ring = process()
    first = ring.signer()[0]
    ring.revoke(ring.rotate())
    clock.advance(seconds=ROTATION_LEAD_S + 1)
    ring.refresh()
    assert ring.signer()[0] == first
    assert states(ring) == ["current", "retired", "next"]
    clock.advance(hours=1)
    assert ring.signer()[0] != first


def test_a_key_sealed_by_another_master_key_is_named_with_the_way_out(
    process: Any, keys_database: PostgresSettings
) -> None:
    kid = process().signer()[0]
    with psycopg.connect(keys_database.lms_url, autocommit=True) as owner:
        owner.execute("UPDATE signing_keys SET private_sealed = private_sealed || '\\x00'")
    ring = process()
    with pytest.raises(Misconfigured, match=f"keys revoke {kid}"):
        ring.signer()
    ring.revoke(kid)
    assert ring.signer()[0] != kid


def test_the_private_half_is_readable_neither_in_the_database_nor_in_the_published_set(
    process: Any, keys_database: PostgresSettings
) -> None:
    ring = process()
    private = ring.signer()[1].as_dict(private=True)["d"]
    with psycopg.connect(keys_database.lms_url) as owner:
        row = owner.execute("SELECT private_sealed, public_jwk::text FROM signing_keys").fetchone()
    assert row is not None
    assert str(private).encode() not in bytes(row[0])
    assert '"d"' not in row[1]
    assert all("d" not in key for key in ring.public_keys())


def test_the_key_set_is_published_for_everybody(lms: Any) -> None:
    answer = lms.http.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    assert "max-age" in answer.headers["cache-control"]
    for key in answer.json()["keys"]:
        assert (key["kty"], key["crv"], key["alg"], key["use"]) == (
            "OKP",
            "Ed25519",
            "Ed25519",
            "sig",
        )
        assert "d" not in key
