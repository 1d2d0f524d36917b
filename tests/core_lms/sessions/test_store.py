"""Sessions in the real Redis: one use per refresh token, whoever asks, whenever."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from contracts.ids import new_id
from core_lms.session_store.store import Ticket, seal, unseal
from gateway.errors import Unauthenticated

pytestmark = pytest.mark.integration
DAY_S = 86_400


def refreshed(store: Any, token: str) -> str:
    _, following = store.do(lambda s: s.refresh(unseal(token)))
    return str(following)


def refused(store: Any, token: str) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as error:
        store.do(lambda s: s.refresh(unseal(token)))
    return error.value


def test_a_refresh_token_is_good_for_the_next_one_and_so_on(store: Any) -> None:
    session, token = store.begin()
    seen = {token}
    for _ in range(5):
        store.clock.now += 600
        token = refreshed(store, token)
        seen.add(token)
    assert len(seen) == 6
    [listed] = store.do(lambda s: s.of_person(store.user_id))
    assert (listed.id, listed.refreshed_at) == (session.id, store.clock.now)


def test_a_used_refresh_token_ends_the_session_for_its_owner_too(store: Any) -> None:
    session, stolen = store.begin()
    store.clock.now += 600
    owners = refreshed(store, stolen)
    store.clock.now += 11
    assert refused(store, stolen).facts == {"reused": True}
    assert "ended" in refused(store, owners).message
    assert store.do(lambda s: s.of_person(store.user_id)) == []

    async def marked(sessions: Any) -> Any:
        return await sessions._redis.exists(f"revoked:{session.id}")

    assert store.do(marked) == 1, "its access tokens count no more"


def test_a_thief_who_is_first_is_found_out_by_the_owner(store: Any) -> None:
    _, token = store.begin()
    thiefs = refreshed(store, token)
    thiefs = refreshed(store, thiefs)
    assert refused(store, token).facts == {"reused": True}
    refused(store, thiefs)


def test_two_tabs_that_refresh_at_once_get_the_same_answer_and_stay_in(store: Any) -> None:
    _, token = store.begin()

    async def race(sessions: Any) -> Any:
        return await asyncio.gather(*(sessions.refresh(unseal(token)) for _ in range(20)))

    answers = {following for _, following in store.do(race)}
    assert len(answers) == 1
    store.clock.now += 600
    refreshed(store, answers.pop())


def test_an_answer_that_got_lost_may_be_asked_for_again_for_a_moment(store: Any) -> None:
    _, token = store.begin()
    following = refreshed(store, token)
    store.clock.now += store.settings.refresh_grace_s
    assert refreshed(store, token) == following
    store.clock.now += 0.1
    refused(store, token)


def test_a_session_ends_when_it_lies_idle_and_when_its_time_is_up(store: Any) -> None:
    _, idle = store.begin()
    store.clock.now += store.settings.idle_days * DAY_S
    refused(store, idle)

    _, busy = store.begin()
    for _ in range(int(store.settings.lifetime_days)):
        busy, store.clock.now = refreshed(store, busy), store.clock.now + DAY_S
    refused(store, busy)
    assert store.do(lambda s: s.of_person(store.user_id)) == []


def test_a_further_login_ends_the_oldest_session(store: Any) -> None:
    tokens = []
    for _ in range(store.settings.max_per_person + 1):
        store.clock.now += 1
        tokens.append(store.begin()[1])
    assert len(store.do(lambda s: s.of_person(store.user_id))) == store.settings.max_per_person
    refused(store, tokens[0])
    for token in tokens[1:]:
        refreshed(store, token)


def test_a_redis_that_lost_its_last_second_goes_on_with_the_holder_s_token(store: Any) -> None:
    session, token = store.begin()
    key = f"session:{{{store.user_id}}}:{session.id}"
    before = store.do(lambda s: s._redis.hgetall(key))
    newer = refreshed(store, refreshed(store, token))

    store.do(lambda s: s._redis.hset(key, mapping=before))

    following = refreshed(store, newer)
    assert unseal(following).number == unseal(newer).number + 1
    store.clock.now += 60
    refused(store, token)


def test_a_session_that_is_not_in_redis_is_over(store: Any) -> None:
    token = seal(Ticket(store.institution_id, store.user_id, new_id(), 0))
    assert "log in again" in refused(store, token).message


@pytest.mark.parametrize(
    "forge",
    [
        lambda token: token[:-4] + "AAAA",
        lambda token: token.replace("lsr1_", "lsr2_"),
        lambda token: token[:30],
        lambda token: token + "AAAA",
        lambda token: "lsr1_" + base64.urlsafe_b64encode(bytes(84)).decode(),
        lambda token: "lsr1_§",
        lambda token: "",
        lambda token: "lsr1_" + "A" * 100_000,
    ],
)
def test_a_refresh_token_with_a_wrong_code_is_refused_unasked(store: Any, forge: Any) -> None:
    _, token = store.begin()
    with pytest.raises(Unauthenticated, match="not one of ours"):
        unseal(forge(token))
    refreshed(store, token)


def test_a_token_moved_to_another_number_person_or_session_has_a_wrong_code(store: Any) -> None:
    _, token = store.begin()
    raw = bytearray(base64.urlsafe_b64decode(token.removeprefix("lsr1_")))
    for position in (0, 16, 32, 51):
        changed = bytearray(raw)
        changed[position] ^= 1
        with pytest.raises(Unauthenticated):
            unseal("lsr1_" + base64.urlsafe_b64encode(bytes(changed)).decode())


def test_ending_names_only_one_s_own_sessions(store: Any) -> None:
    session, token = store.begin()
    assert store.do(lambda s: s.end(new_id(), session.id)) is False
    refreshed(store, token)
    assert store.do(lambda s: s.end(store.user_id, session.id)) is True
    refused(store, token)
