"""Each process comes into Redis as itself and finds its own keys and commands there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import redis

from core_lms.privacy import redis_keys
from features import online, online_windows, served, trail
from features.catalogue import VIEWS, WINDOW_VIEWS
from serving import feedback, signals
from stack.principals import PRINCIPALS, password, with_login
from stack.profile import Profile, profile
from stack.redis import RedisSettings
from stack.redis_acl import rules, users

pytestmark = pytest.mark.integration

DONE, REFUSED, NO_WAY_IN = "done", "refused", "no way in"
VIEW = next(view for view in VIEWS.values() if view.trail is not None)
ENTITY, TRAIL = online.entity_key(VIEW, "someone"), trail.key(VIEW, "someone")
TILES = online_windows.key("learner", "someone")
SERVED = served.key(WINDOW_VIEWS["learner_windows"], ("someone",))
LIMIT = ("EVAL", "return redis.call('EXISTS', ARGV[1])", "1", "limit:x", "revoked:x")
FORGED = ("SET", "revoked:x", "1")
IN_REDIS = tuple(rules())
OTHERS = tuple(name for name in PRINCIPALS if name not in IN_REDIS)
PROCESSES = tuple(name for name in IN_REDIS if name not in ("operator", "reader"))

PROBES: list[tuple[str, tuple[Any, ...], str]] = [
    *((name, ("PING",), NO_WAY_IN) for name in OTHERS),
    *((name, ("PING",), DONE) for name in IN_REDIS),
    # Buckets and revocations: who meters may look whether a token was revoked, not decide it.
    *((name, LIMIT, DONE) for name in ("lms", "serving", "dashboards")),
    *((name, FORGED, REFUSED) for name in PROCESSES if name != "lms"),
    *((name, ("DEL", "revoked:x"), REFUSED) for name in ("serving", "dashboards")),
    ("lms", FORGED, DONE),
    # Who is signed in to the pages is theirs.
    ("dashboards", ("SET", "dashboards:session:x", "1", "EX", "9"), DONE),
    ("dashboards", ("DEL", "dashboards:session:x"), DONE),
    *(
        (name, ("GET", "dashboards:session:x"), REFUSED)
        for name in PROCESSES
        if name != "dashboards"
    ),
    # Sessions and logins are the LMS's.
    *((name, ("HGETALL", "session:{x}:y"), REFUSED) for name in PROCESSES if name != "lms"),
    *((name, ("GET", "sso:x"), REFUSED) for name in PROCESSES if name != "lms"),
    *((name, ("HGET", "tries:account:x", "tries"), REFUSED) for name in PROCESSES if name != "lms"),
    ("lms", ("HGETALL", "session:{x}:y"), DONE),
    ("lms", ("SUBSCRIBE", "lms:notifications"), DONE),
    # Kept answers: the LMS keeps, the inbox forgets.
    ("inbox", ("DEL", "cache:x"), DONE),
    ("inbox", ("PUBLISH", "lms:notifications", "x"), DONE),
    ("inbox", ("PUBLISH", "anything", "x"), REFUSED),
    *((name, ("GET", "cache:x"), REFUSED) for name in PROCESSES if name not in ("lms", "inbox")),
    # Features: written by their own process, read by serving.
    ("features", ("HSET", ENTITY, "f", "1"), DONE),
    ("features", ("ZADD", TRAIL, "1", "item"), DONE),
    # Tiles are the feature store's; what was read of them, serving's to keep.
    ("features", ("HSET", TILES, "f", "1"), DONE),
    ("features", ("DEL", SERVED), DONE),
    ("serving", ("HGETALL", TILES), DONE),
    ("serving", ("HSET", TILES, "f", "1"), REFUSED),
    ("serving", ("HSET", SERVED, "f", "1"), DONE),
    *((name, ("HGETALL", TILES), REFUSED) for name in ("lms", "live", "dashboards")),
    ("serving", ("HMGET", ENTITY, "f"), REFUSED),
    ("serving", ("ZREVRANGE", TRAIL, "0", "5"), DONE),
    ("serving", ("HSET", ENTITY, "f", "1"), REFUSED),
    ("serving", ("ZADD", TRAIL, "1", "item"), REFUSED),
    ("serving", ("DEL", ENTITY), REFUSED),
    *((name, ("HGET", ENTITY, "f"), REFUSED) for name in ("lms", "inbox", "live", "dashboards")),
    # What was offered and dismissed is serving's.
    ("serving", ("ZADD", signals.dismissed_key("x"), "1", "item"), DONE),
    ("serving", ("SET", feedback._shown_key("x"), "1"), DONE),
    *((name, ("GET", feedback._shown_key("x")), REFUSED) for name in ("lms", "features", "live")),
    # Live counters have a process of their own; the API counts.
    ("live", ("HSET", "live:x:1", "course", "1"), DONE),
    ("live", ("PFADD", "live:x:1:learners", "x"), DONE),
    ("live", ("HGET", ENTITY, "f"), REFUSED),
    ("lms", ("HMGET", "live:x:1", "course"), DONE),
    ("lms", ("PFCOUNT", "live:x:1:learners", "live:x:2:learners"), DONE),
    ("lms", ("HSET", "live:x:1", "course", "1"), REFUSED),
    ("lms", ("PFADD", "live:x:1:learners", "x"), REFUSED),
    ("lms", ("PFCOUNT", "session:x"), REFUSED),
    *((name, ("HGETALL", "live:x:1"), REFUSED) for name in PROCESSES if name != "live"),
    # The inbox moves erased people wherever they are, and reads no secret of a login.
    ("inbox", ("RENAME", "revoked:x", "learnstream:y"), REFUSED),
    ("inbox", ("GET", feedback._shown_key("x")), DONE),
    ("inbox", ("GET", "revoked:x"), REFUSED),
    ("inbox", ("SCAN", "0"), DONE),
    # An operator's reading eyes.
    ("reader", ("HGETALL", "session:{x}:y"), DONE),
    ("reader", ("SCAN", "0"), DONE),
    ("reader", ("INFO",), DONE),
    ("reader", ("SET", "x", "1"), REFUSED),
    ("reader", ("DEL", "limit:x"), REFUSED),
    # Nobody sees what keys there are, reads the configuration, or empties the house.
    *((name, ("SCAN", "0"), REFUSED) for name in PROCESSES if name != "inbox"),
    *((name, ("KEYS", "*"), REFUSED) for name in (*PROCESSES, "reader")),
    *((name, ("FLUSHALL",), REFUSED) for name in (*PROCESSES, "reader")),
    *((name, ("CONFIG", "GET", "*"), REFUSED) for name in (*PROCESSES, "reader")),
    *((name, ("ACL", "LIST"), REFUSED) for name in (*PROCESSES, "reader")),
    *((name, ("CLIENT", "KILL", "ID", "1"), REFUSED) for name in (*PROCESSES, "reader")),
    *((name, ("MONITOR",), REFUSED) for name in (*PROCESSES, "reader")),
    ("operator", ("CONFIG", "GET", "aclfile"), DONE),
]


def tried(principal: str, command: tuple[Any, ...]) -> str:
    address = f"redis://127.0.0.1:{profile().port(16379)}/15"
    with redis.Redis.from_url(with_login(address, principal)) as client:
        try:
            client.execute_command(*command)
        except redis.AuthenticationError:
            return NO_WAY_IN
        except redis.exceptions.NoPermissionError:
            return REFUSED
    return DONE


@pytest.mark.parametrize(
    ("principal", "command", "answer"),
    PROBES,
    ids=[
        f"{name}-{'-'.join(map(str, command))[:40]!a}-{n}"
        for n, (name, command, _) in enumerate(PROBES)
    ],
)
def test_a_process_may_what_it_is_there_for_and_nothing_else(
    stack: Profile, principal: str, command: tuple[Any, ...], answer: str
) -> None:
    assert tried(principal, command) == answer
    with redis.Redis.from_url(RedisSettings().url.rsplit("/", 1)[0] + "/15") as operator:
        operator.flushdb()


def test_nobody_is_nobody(stack: Profile) -> None:
    for address in ("redis://127.0.0.1", "redis://default:@127.0.0.1", "redis://:x@127.0.0.1"):
        with (
            redis.Redis.from_url(f"{address}:{profile().port(16379)}/0") as client,
            pytest.raises(redis.AuthenticationError),
        ):
            client.ping()


def test_the_file_of_users_is_private_and_holds_no_password(stack: Profile) -> None:
    text = users()
    assert not any(password(name) in text for name in IN_REDIS)
    kept = Path(profile().run / "conf" / "redis" / "users.acl")
    assert kept.read_text() == text
    assert kept.stat().st_mode & 0o777 == 0o600


def test_who_moves_erased_people_reaches_every_key_but_those_of_logins() -> None:
    def patterns(name: str) -> set[str]:
        found = (rule.strip("()") for rule in rules()[name].split())
        return {rule.removeprefix("%R") for rule in found if "~" in rule}

    everybody = {one for name in PROCESSES for one in patterns(name)}
    kept = tuple(prefix.decode() for prefix in (redis_keys.REVOKED, *redis_keys.SECRET))
    missing = {one for one in everybody - patterns("inbox") if not one[1:].startswith(kept)}
    covered = {one for one in missing if one.startswith("~learnstream:")}
    assert missing == covered
