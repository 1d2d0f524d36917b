"""After an erasure no table, log or key of ours has the old id, whatever dies on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis

from contracts.errors import Retryable
from contracts.ids import new_id
from contracts.live import FILLED
from core_lms.audit import redacting
from core_lms.audit.chain import verify
from core_lms.audit.sealer import Sealer, head
from core_lms.audit.settings import AuditSettings
from core_lms.privacy import moving
from core_lms.privacy.stores import databases, redis_
from core_lms.privacy.stores.trace import Trace, Wanted
from stack import cli
from stack import redis as stack_redis
from stack.postgres import PostgresSettings
from tests.core_lms.privacy.test_export_and_erasure import after, studied
from tests.logins import of

pytestmark = pytest.mark.integration


@pytest.fixture
def sealer(lms: Any) -> Iterator[Sealer]:
    opened = Sealer(of("inbox", PostgresSettings().lms_url), AuditSettings())
    yield opened
    opened.stop()


def step(after_s: float) -> int:
    """As the process does it, which owns nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMS_PRINCIPAL", "inbox")
        return moving.step(after_s=after_s)


def published(lms: Any) -> None:
    """The relay is not running here."""
    lms.database.execute("DELETE FROM outbox")


def rows_with(user_id: str, *words: str) -> list[Trace]:
    found = databases.search(Wanted(UUID(user_id), words))
    shown = [trace for trace in found if trace.store.startswith("database")]
    return [trace for trace in shown if trace.place != databases.STATISTICS]


def test_no_row_of_either_database_has_the_id_once_every_store_is_through(
    lms: Any, sealer: Sealer
) -> None:
    ana, name, email = studied(lms)
    teacher = lms.user("instructor")
    lms.database.execute("UPDATE users SET role = 'instructor' WHERE id = %s", [ana])
    course_id = lms.made("/courses", {"title": "Hers", "instructor_id": ana})["id"]
    lms.made(f"/users/{lms.user()}/guardians", {"guardian_id": ana})
    lms.person(teacher, "instructor@institution").get(f"/users/{ana}")
    sealer.seal()
    before = {trace.place for trace in rows_with(ana)}
    assert {"public.users", "public.enrollments", "public.courses", "public.audit_log"} <= before
    assert lms.person(ana).post(f"/users/{ana}/erase").status_code == 200
    published(lms)
    sealer.seal()
    assert step(after_s=3600) >= 1
    pseudonym = after(lms, ana)[0]
    assert {trace.place for trace in rows_with(ana)} == {"public.erasures"}
    step(after_s=0)
    assert rows_with(ana, name, email) == []
    row = lms.database.execute(
        "SELECT instructor_id::text FROM courses WHERE id = %s", [course_id]
    ).fetchone()
    assert row == (pseudonym,)
    row = lms.database.execute(
        "SELECT user_id, pseudonym, finished_at IS NOT NULL FROM erasures "
        "WHERE digest = digest_of_id(%s)",
        [ana],
    ).fetchone()
    assert row == (None, None, True)


def test_the_audit_log_names_the_new_id_and_is_whole_and_a_forged_redaction_is_found(
    lms: Any, sealer: Sealer
) -> None:
    ana, _, _ = studied(lms)
    other = lms.user()
    lms.post(f"/users/{other}/export")
    sealer.seal()
    lms.database.row_factory = psycopg.rows.dict_row
    kept = head(lms.database)
    assert lms.person(ana).post(f"/users/{ana}/erase").status_code == 200
    sealer.seal()

    def log() -> list[dict[str, Any]]:
        return lms.database.execute("SELECT * FROM audit_log ORDER BY position").fetchall()

    def verdict(rows: list[dict[str, Any]]) -> Any:
        return verify(rows, [kept], redacting.noted(lms.database))

    rows = log()
    assert verdict(rows).broken is None
    assert ana not in str(rows)
    erased = next(row for row in reversed(rows) if row["action"] == "user.erase")
    [vouching] = [row for row in rows if row["action"] == "audit.redact"][-1:]
    assert vouching["about"] == [erased["about"][0]]
    assert erased["actor"] == f"user/{erased['about'][0]}"
    # A row that was redacted is no more open to change than any other.
    forged = [row | {"action": "user.read"} if row is erased else row for row in rows]
    assert verdict(forged).broken_at == erased["position"]
    # Nor does one that was not redacted become so by a note of somebody who owns the table.
    mine = next(row for row in rows if row["about"] == [UUID(other)])
    lie = mine | {"actor": "user/nobody"}
    notes = [
        *redacting.noted(lms.database),
        redacting.Redaction(mine["position"], vouching["position"], redacting.content_hash(lie)),
    ]
    found = verify([lie if row is mine else row for row in rows], [kept], notes)
    assert found.broken_at == vouching["position"]


def test_the_append_only_log_still_refuses_every_other_change(lms: Any) -> None:
    lms.post(f"/users/{lms.user()}/export")
    for statement in ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log"):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            lms.database.execute(statement)


def test_redis_keeps_what_it_had_under_the_new_id(lms: Any) -> None:
    old, new, shown = new_id(), new_id(), f"learnstream:shown:{new_id()}"
    with stack_redis.client() as client:
        client.zadd(f"learnstream:dismissed:{old}", {"item": 1})
        client.set(shown, f'{{"user_id": "{old}", "positions": {{}}}}', ex=900)
        client.pfadd("live:a:1:learners", old)
        client.set(FILLED, 1)
        client.set(f"revoked:{old}", 1, ex=900)
        wanted = Wanted(UUID(old))
        assert len(list(redis_.search(wanted))) == 3  # nobody can read a HyperLogLog
        from core_lms.privacy import redis_keys

        redis_keys.move(client, old, new)
        assert client.zrange(f"learnstream:dismissed:{new}", 0, -1) == [b"item"]
        assert new.encode() in client.get(shown)
        assert 0 < client.ttl(shown) <= 900
        assert not client.exists("live:a:1:learners", FILLED)
        [left] = redis_.search(wanted)
        assert left.place == f"revoked:{old}"
        assert left.until is not None
        assert redis_keys.move(client, old, new) == 0


def twice() -> None:
    """Every store is searched two times."""
    for _ in range(2):
        step(after_s=0)


@pytest.mark.parametrize("dies_at", ["texts", "analytics", "redis", "tidying"])
def test_whatever_dies_on_the_way_the_next_round_ends_it(
    lms: Any, sealer: Sealer, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    ana, _, _ = studied(lms)
    lms.post(f"/users/{ana}/erase")
    published(lms)
    sealer.seal()

    def dead(*_: object, **__: object) -> None:
        raise redis.ConnectionError("gone")

    with monkeypatch.context() as patched:
        places = {
            "texts": (moving, "_texts"),
            "analytics": (moving, "connect_analytics"),
            "redis": (moving.redis_keys, "move"),
            "tidying": (moving, "tidy"),
        }
        patched.setattr(*places[dies_at], dead)
        with pytest.raises(Retryable):
            twice()
    twice()
    assert rows_with(ana) == []
    assert after(lms, ana)[0] is None


def test_the_command_looks_erases_and_looks_again(
    lms: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    ana, name, _ = studied(lms)
    course_id = lms.course()
    describe = "UPDATE courses SET description = %s WHERE id = %s"
    lms.database.execute(describe, [f"Ask {name}", course_id])
    assert cli.call("privacy", "find", ana) == 1
    printed = capsys.readouterr().out
    assert "public.courses" in printed
    assert "public.feedback" not in printed  # a teacher wrote the name, which is sealed
    assert "IN THE CLEAR" in printed
    assert "until they are erased" in printed
    published(lms)
    lms.database.execute(describe, [None, course_id])
    assert cli.call("privacy", "erase", ana) == 0
    printed = capsys.readouterr().out
    assert "erased at" in printed
    assert "nothing stays" in printed
    lms.database.execute(describe, [name, course_id])
    assert cli.call("privacy", "find", ana, "--word", name) == 1
    assert "NOTHING TAKES IT AWAY" in capsys.readouterr().out
