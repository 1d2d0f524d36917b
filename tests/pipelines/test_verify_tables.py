"""verify compares every table row by row: one row of each is lost, and verify names that table.

The tables are listed by the database itself, so a new one without a check fails here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import psycopg
import pytest
from psycopg import sql
from redis import Redis

from contracts.envelope import Envelope, wrap
from contracts.errors import Misconfigured
from contracts.event import EVENTS, Event
from contracts.ids import new_id
from contracts.topics import USERS
from features import online, trail
from features.catalogue import VIEWS
from pipelines import job
from pipelines.archive.rows import Batch
from pipelines.archive.table import ArchiveTable
from pipelines.derive import rebuild
from pipelines.derive.engine import Engine
from pipelines.derive.live import LiveCounters
from pipelines.verify import tables
from pipelines.verify.checks import CHECKS, FILES, NOT_COMPARED, Difference, first_difference, read
from pipelines.verify.messages import Messages
from pipelines.verify.reconcile import Reconciliation
from stack import kafka
from stack.postgres import connect_analytics
from stack.profile import Profile
from stack.redis import client
from tests.pipelines.history import NOON, History
from tests.pipelines.pushed import push, since
from tests.topics import ends

pytestmark = pytest.mark.integration

OF_FLINK = {table.name for table in job.tables()}
"""What the streaming jobs write: test_verify.py changes rows there."""
OF_ALL = {
    check.right: check
    for check in FILES
    if check.right
    in ("waiting", "archive_offsets", "archive_arrivals", "derive_position", "job_starts")
}
"""What belongs to no institution."""


class Published:
    """One institution's history in every store, as the processes would have stored it."""

    def __init__(self) -> None:
        history = History(5, count=500)
        self.institution_id = history.institution_id
        # In the future nothing is certain: an event ahead of its time is left out of features.
        self.events = [e for e in history.events if e.timestamp < NOON + timedelta(days=30)]
        self.learner, self.course = new_id(), new_id()
        self.now = datetime.now(UTC) - timedelta(minutes=2)
        self.events += [self.viewed(self.now) for _ in range(3)]
        # The same ones whenever this runs again on the same components.
        self.ahead = {
            "user_id": "0d6a4e0e-24b4-4a8e-8d27-1f2f6fb7b001",
            "item_id": "0d6a4e0e-24b4-4a8e-8d27-1f2f6fb7b002",
        }
        ahead = EVENTS["content.viewed"](**self.ahead, course_id=new_id(), kind="page")
        self.events += [
            self.wrapped(ahead, self.now + timedelta(minutes=30)),
            self.wrapped(EVENTS["consent.given"](user_id=self.learner, purpose="personalization")),
        ]

    def viewed(self, at: datetime) -> Envelope:
        who = {"user_id": self.learner, "course_id": self.course}
        return self.wrapped(EVENTS["content.viewed"](**who, item_id=new_id(), kind="video"), at)

    def wrapped(self, event: Event, at: datetime | None = None) -> Envelope:
        return wrap(
            event,
            institution_id=self.institution_id,
            source_service="test",
            timestamp=at or self.now,
        )

    def store(self) -> None:
        messages = self._publish()
        batch = Batch()
        for event in self.events:
            batch.add(event)
        with (
            closing(ArchiveTable()) as table,
            closing(Engine()) as engine,
            closing(LiveCounters()) as live,
        ):
            rebuild.begin(engine)
            table.store(batch, {})
            while step := engine.step():
                live.write(engine.connection, step.upto, step.recent)
            while engine.refresh_due():
                pass
            push(engine, messages)

    def _publish(self) -> list[Any]:
        """Into Kafka; returns what it says of people."""
        before = ends(USERS.name)
        producer = kafka.producer()
        for event in self.events:
            producer.produce(event.topic, event.encode(), event.key)
        assert producer.flush(30) == 0
        return since(before)


@pytest.fixture(scope="module")
def published(stack: Profile) -> Published:
    found = Published()
    found.store()
    return found


@pytest.fixture(scope="module")
def reconciliation(published: Published) -> Iterator[Reconciliation]:
    with Reconciliation(published.institution_id) as opened:
        yield opened


def named(differences: list[Difference]) -> set[str]:
    """What the differing checks cover."""
    return {name for one in differences for name in one.check.covers}


def listed(kinds: str) -> list[str]:
    """Tables or views of the analytical database that are ours, ``features.`` before Feast's."""
    with connect_analytics() as connection:
        rows = connection.execute(
            "SELECT CASE nspname WHEN 'public' THEN '' ELSE nspname || '.' END || relname "
            "FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE nspname IN ('public', 'features') AND relkind = ANY(%s) AND NOT EXISTS "
            "(SELECT FROM pg_depend d WHERE d.objid = pg_class.oid AND d.deptype = 'e') ORDER BY 1",
            [list(kinds)],
        ).fetchall()
    return [name for (name,) in rows]


def has(name: str, column: str) -> bool:
    with connect_analytics() as connection:
        return bool(
            connection.execute(
                "SELECT FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s "
                "AND NOT attisdropped",
                [name, column],
            ).fetchall()
        )


def test_every_table_and_view_of_the_database_has_a_check_or_a_reason(published: Published) -> None:
    covered = {name for check in CHECKS for name in check.covers}
    there = set(listed("rpvm"))
    assert there - covered - set(NOT_COMPARED) == set(), (
        "a new table needs a file in pipelines/verify/row_by_row/, or a reason in checks.py"
    )
    assert {name for name in covered if ":" not in name} | set(NOT_COMPARED) <= there


def test_what_was_stored_is_equal(published: Published, reconciliation: Reconciliation) -> None:
    found = [one for one in reconciliation.differences() if one.check.covers]
    assert [str(one) for one in found if not OF_FLINK & set(one.check.covers)] == []


def test_one_lost_row_of_each_table_is_named(
    published: Published, reconciliation: Reconciliation
) -> None:
    left_out = OF_FLINK | set(NOT_COMPARED)
    own = [name for name in listed("rp") if name not in left_out and not of_all(name)]
    with lost_rows(own, published):
        found = named(reconciliation.differences())
    assert set(own) - found == set()
    assert set(own) > {"sessions", "features.learner_engagement", "activity_events"}


def test_one_lost_row_of_each_view_is_named(
    published: Published, reconciliation: Reconciliation
) -> None:
    own = [name for name in listed("v") if name not in NOT_COMPARED]
    with shortened(own):
        found = named(reconciliation.differences())
    assert set(own) - found == set()


def test_what_redis_lost_or_was_told_by_somebody_else_is_named(
    published: Published, reconciliation: Reconciliation
) -> None:
    with closing(client()) as redis, kept(redis) as changed:
        changed(live_key(published), "hincrby", published.course, 1)
        changed(f"{live_key(published)}:learners", "pfadd", "stranger")
        for name, view in VIEWS.items():
            entity = of_view(name, published)
            changed(online.entity_key(view, entity), "hdel", f"_ts:{name}")
            if view.trail:
                changed(trail.key(view, entity), "zadd", {"stranger": 1e12})
        found = named(reconciliation.differences())
    of_redis = {name for check in CHECKS for name in check.covers if name.startswith("redis:")}
    assert found - OF_FLINK == of_redis


def live_key(published: Published) -> str:
    return f"live:{published.institution_id}:{int(published.now.timestamp()) // 60}"


def of_view(name: str, published: Published) -> str:
    """An entity of ours in the history of a view."""
    view = VIEWS[name]
    with connect_analytics() as connection:
        row = connection.execute(
            sql.SQL("SELECT {} FROM {} WHERE institution_id = %s ORDER BY 1 LIMIT 1").format(
                sql.Identifier(view.entity.join_key), sql.Identifier("features", name)
            ),
            [published.institution_id],
        ).fetchone()
    assert row is not None
    return str(row[0])


@contextmanager
def kept(redis: Redis) -> Iterator[Any]:
    """What a test changes in Redis is undone after it."""
    dumps: dict[Any, Any] = {}

    def changed(key: Any, command: str, *arguments: Any) -> None:
        dumps.setdefault(key, redis.dump(key))
        assert getattr(redis, command)(key, *arguments), key

    try:
        yield changed
    finally:
        for key, dump in dumps.items():
            redis.restore(key, 3_600_000, dump, replace=True)


def of_all(name: str) -> bool:
    return any(name in check.covers for check in OF_ALL.values())


@contextmanager
def lost_rows(names: list[str], published: Published) -> Iterator[None]:
    """Without one row of the institution in each table, the newest of each feature's history."""
    saved: list[tuple[str, list[str], tuple[Any, ...]]] = []
    with connect_analytics() as connection:
        for name in names:
            saved.append((name, *_lose(connection, name, published)))
    try:
        yield
    finally:
        with connect_analytics() as connection:
            for name, columns, row in saved:
                connection.execute(
                    f"INSERT INTO {name} ({', '.join(columns)}) "
                    f"VALUES ({', '.join(['%s'] * len(columns))})".encode(),
                    [psycopg.types.json.Jsonb(v) if isinstance(v, dict) else v for v in row],
                )


def _lose(
    connection: psycopg.Connection[Any], name: str, published: Published
) -> tuple[list[str], tuple[Any, ...]]:
    columns = [
        column
        for (column,) in connection.execute(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
            "AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
            [name],
        )
    ]
    order = "event_timestamp DESC" if "event_timestamp" in columns else "1"
    where, values = "institution_id = %s", [published.institution_id]
    if "institution_id" not in columns:  # Feast's consent
        where, values = "user_id = %s", [published.learner]
    # Of who was ahead of the clock nobody can say what their features are.
    for column in published.ahead.keys() & set(columns) if name != "clock_skew" else ():
        where += f" AND {column}::text IS DISTINCT FROM '{published.ahead[column]}'"
    row = connection.execute(
        f"DELETE FROM {name} WHERE (tableoid, ctid) IN (SELECT tableoid, ctid FROM {name} "
        f"WHERE {where} ORDER BY {order} LIMIT 1) RETURNING {', '.join(columns)}".encode(),
        values,
    ).fetchone()
    assert row is not None, f"the history has nothing for {name}: give it an event that has"
    return columns, row


@contextmanager
def shortened(names: list[str]) -> Iterator[None]:
    """With a view in each one's place that lacks the first row of every institution."""
    with connect_analytics() as connection:
        for name in names:
            connection.execute(f"ALTER VIEW {name} RENAME TO {name}_whole".encode())
            connection.execute(
                f"CREATE VIEW {name} AS SELECT * FROM (SELECT *, row_number() OVER "
                f"(PARTITION BY institution_id) AS nth FROM {name}_whole) AS q "
                "WHERE nth > 1".encode()
            )
    try:
        yield
    finally:
        with connect_analytics() as connection:
            for name in names:
                connection.execute(f"DROP VIEW {name}".encode())
                connection.execute(f"ALTER VIEW {name}_whole RENAME TO {name}".encode())


TAMPER = {
    "archive_batches": "INSERT INTO archive_batches (batch_no, events) VALUES (1000000000, 1)",
    "archive_duplicates": "INSERT INTO archive_duplicates VALUES ('test/0/0', '')",
    "assessment_due": "INSERT INTO assessment_due VALUES (gen_random_uuid())",
    "archive_offsets": "INSERT INTO archive_offsets VALUES ('lms.content.events', 99, 7)",
    "archive_arrivals": "INSERT INTO archive_arrivals VALUES (date_trunc('hour', now()), "
    "'lms.forged.events', 1, 0, 0)",
    "derive_position": "UPDATE derive_position SET done_batch_no = done_batch_no - 1",
    **{
        name: f"INSERT INTO {name} VALUES (gen_random_uuid(), gen_random_uuid())"
        for name in (
            "learner_activity_due",
            "learner_features_due",
            "item_features_due",
        )
    },
}


@pytest.mark.parametrize(
    "name", [name for check in OF_ALL.values() for name in check.covers], ids=str
)
def test_what_belongs_to_no_institution_is_compared_too(published: Published, name: str) -> None:
    [check] = [check for check in OF_ALL.values() if name in check.covers]
    with connect_analytics() as connection:
        before = alone(connection, check, connection)
        connection.execute(TAMPER[name].encode())
        after = alone(connection, check, connection)
        connection.rollback()
    assert before is None or name != before.key.get("queue")
    assert after is not None
    assert "queue" not in after.key or after.key["queue"] == name or before is not None


def alone(
    asked: psycopg.Connection[Any], check: Any, known: psycopg.Connection[Any]
) -> Difference | None:
    """One check, against a Kafka that has the messages that these tables were made of."""
    with duckdb.connect() as db:
        Messages(db)
        for row in known.execute("SELECT * FROM archive_offsets WHERE partition < 99").fetchall():
            db.execute("INSERT INTO kafka_end VALUES (?, ?, ?)", row)
        for topic, count in known.execute(
            "SELECT topic, sum(events)::bigint FROM archive_arrivals "
            "WHERE topic <> 'lms.forged.events' GROUP BY 1"
        ).fetchall():
            db.execute(f"INSERT INTO kafka_event (topic) SELECT '{topic}' FROM range({count})")
        tables.load(db, asked, check.found, check.right)
        tables.make(db, check.expected, check.left)
        return first_difference(db, check)


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("-- about: a\n-- key: b\n-- name: expected\nSELECT 1\n-- name: found\nSELECT 1", "covers"),
        ("-- about: a\n-- covers: c\n-- key: b\n-- name: expected\nSELECT 1", "two queries"),
    ],
)
def test_a_check_that_says_too_little_is_refused(text: str, lacks: str, tmp_path: Any) -> None:
    path = tmp_path / "thing.sql"
    path.write_text(text)
    with pytest.raises(Misconfigured, match=lacks):
        read(path)
