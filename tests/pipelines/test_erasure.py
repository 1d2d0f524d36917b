"""An erased person's rows have another id everywhere, and every total is what it was."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from confluent_kafka import TopicPartition
from psycopg.types.json import Jsonb

from contracts.envelope import Envelope, decode, wrap
from contracts.events.content import ContentViewed
from contracts.events.courses import CourseCreated
from contracts.events.users import UserDeleted
from contracts.ids import new_id
from contracts.topics import DEAD_LETTERS, EVENT_TOPICS, USERS
from core_lms.privacy import moving
from core_lms.privacy.stores import databases, redis_
from core_lms.privacy.stores.trace import Wanted
from imports.oulad.service import import_oulad
from pipelines.archive.table import ArchiveTable
from pipelines.derive import rebuild
from pipelines.derive.engine import Engine
from pipelines.verify import beginning
from pipelines.verify.messages import Messages
from pipelines.verify.reconcile import verify
from stack import cli, kafka
from stack.postgres import connect_analytics, connect_lms
from stack.profile import Profile
from stack.queries import load
from tests.imports.oulad_files import write
from tests.pipelines import test_verify
from tests.pipelines.history import History
from tests.pipelines.test_derive import archive, contents, differences, drain, engine

__all__ = ["engine"]

pytestmark = pytest.mark.integration


UPSERT = Path(__file__).with_name("tile.sql").read_bytes()


def moved(old: str, new: str) -> int:
    with connect_analytics() as connection:
        row = connection.execute("SELECT move_person(%s, %s, %s)", [old, new, moving.MENTIONS])
        return int(row.fetchone()[0])


def renamed(event: Envelope, old: str, new: str) -> Envelope:
    return decode(event.topic, event.encode().replace(old.encode(), new.encode()))


def places(user_id: str) -> set[str]:
    """Where rows of either database, or keys of Redis, have an id."""
    wanted = Wanted(UUID(user_id))
    rows = {f"{t.store}: {t.place}" for t in databases.search(wanted) if "database" in t.store}
    found = rows | {trace.place for trace in redis_.search(wanted)}
    # Tokens of theirs that no longer count name them until they expire.
    passing = (databases.STATISTICS, "revoked:")
    return {place for place in found if not any(one in place for one in passing)}


@pytest.mark.parametrize("seed", range(3))
def test_the_tables_are_as_if_the_person_had_always_had_the_new_id(
    engine: Engine, seed: int
) -> None:
    history = History(200 + seed)
    old, new = history.learners[0], str(uuid4())
    events = history.disordered()
    third = len(events) // 3
    with closing(ArchiveTable()) as table:
        archive(table, events[:third])
        engine.step()
        archive(table, events[third : 2 * third])  # archived, and not derived yet
        assert moved(old, new) > third / 10
        assert places(old) == set()
        archive(table, events[2 * third :])  # late, and some of them for the second time
    drain(engine)
    assert places(old) == set()
    as_new = [renamed(event, old, new) for event in history.events]
    assert differences(history.institution_id, as_new) == []
    assert moved(old, new) == 0
    before = contents()
    rebuild.rebuild([])
    assert contents() == before


def test_events_of_others_that_name_the_person_do_so_by_the_new_id(engine: Engine) -> None:
    teacher, new, institution = new_id(), str(uuid4()), new_id()

    def made() -> Envelope:
        event = CourseCreated(course_id=new_id(), instructor_id=teacher)
        return wrap(event, institution_id=institution, source_service="test")

    with closing(ArchiveTable()) as table:
        archive(table, [made()])
        assert moved(teacher, new) == 1
        archive(table, [made()])
    with connect_analytics() as connection:
        rows = connection.execute(
            "SELECT payload ->> 'instructor_id' FROM activity_events WHERE institution_id = %s",
            [institution],
        ).fetchall()
    assert rows == [(new,), (new,)]
    drain(engine)


def test_what_flink_counts_under_the_old_id_stays_one_sum_under_the_new_one(
    engine: Engine,
) -> None:
    """Before, during and after the move, and beside what is counted under the new id itself."""
    old, new, institution, course = new_id(), str(uuid4()), new_id(), new_id()

    def counted(user_id: str, part: int, events: int) -> None:
        with connect_analytics() as connection:
            connection.execute(UPSERT, [institution, user_id, course, part, events])

    counted(old, 2526, 3)
    counted(old, 0, 1)
    assert moved(old, new) == 2
    counted(old, 2526, 5)  # Flink has the sum under the old id, and it grows
    counted(old, 2527, 2)
    counted(new, 2526, 7)
    with connect_analytics() as connection:
        rows = connection.execute(
            "SELECT user_id::text, events FROM learner_tiles WHERE institution_id = %s "
            "ORDER BY events",
            [institution],
        ).fetchall()
    assert rows == [(new, 1), (new, 2), (new, 5), (new, 7)]
    assert moved(old, new) == 0


def test_an_event_repeated_after_the_erasure_is_still_the_same_event(engine: Engine) -> None:
    history = History(207)
    old = history.learners[1]
    with closing(ArchiveTable()) as table:
        assert archive(table, history.events) == len(history.events)
        moved(old, str(uuid4()))
        assert archive(table, history.events) == 0
    drain(engine)


def test_what_is_archived_while_a_person_is_moved_goes_under_one_of_the_ids_only(
    engine: Engine,
) -> None:
    history = History(208)
    old, new = history.learners[0], str(uuid4())
    mover = threading.Thread(target=moved, args=(old, new))
    with closing(ArchiveTable()) as table:
        for number, events in enumerate(history.batches(history.events)):
            archive(table, events)
            if number == 3:
                mover.start()
        mover.join()
    drain(engine)
    assert places(old) == set()
    assert (
        differences(history.institution_id, [renamed(event, old, new) for event in history.events])
        == []
    )


def test_a_person_is_moved_to_one_id_only_and_the_digest_goes_when_kafka_has_let_go(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = new_id(), str(uuid4())
    moved(old, new)
    with pytest.raises(psycopg.errors.RaiseException, match="another id before"):
        moved(old, str(uuid4()))
    digests = "SELECT count(*) FROM erasures WHERE pseudonym = %s"
    with connect_analytics(autocommit=True) as connection:
        moving.forget()
        assert connection.execute(digests, [new]).fetchone() == (1,)
        connection.execute("UPDATE erasures SET moved_at = now() - INTERVAL '10 days 1 second'")
        monkeypatch.setenv("LMS_KAFKA_RETENTION_DAYS", "none")
        moving.forget()
        assert connection.execute(digests, [new]).fetchone() == (1,)
        monkeypatch.setenv("LMS_KAFKA_RETENTION_DAYS", "7")
        moving.forget()
        assert connection.execute(digests, [new]).fetchone() == (0,)


@pytest.fixture(scope="module")
def imported(stack: Profile, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A tiny OULAD in every store, and its folder."""
    institution = new_id()
    folder = write(tmp_path_factory.mktemp("oulad"))
    import_oulad(folder, institution)
    test_verify.archive(folder, institution)
    test_verify.aggregate(institution)
    return institution, folder


def test_verify_is_equal_before_and_after_and_after_a_rebuild_and_a_replay(
    imported: tuple[str, Path],
) -> None:
    institution, folder = imported
    report = verify(institution=institution)
    assert report.equal, report.difference
    totals = report.totals
    with connect_lms() as connection:
        [(busiest,)] = connection.execute(
            "SELECT user_id::text FROM submissions WHERE institution_id = %s "
            "GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
            [institution],
        ).fetchall()
    assert len(places(busiest)) > 10
    assert cli.call("privacy", "erase", busiest) == 0
    assert places(busiest) == {"database lms: public.erasures", "database lms: public.outbox"}
    report = verify(institution=institution)
    assert report.equal, report.difference
    # Of somebody erased it is known how much they did, and not any more who it was.
    same = set(totals) - {"expected_learner_day", "learner_day"}
    assert {name: report.totals[name] for name in same} == {name: totals[name] for name in same}
    rebuild.rebuild([])
    assert verify(institution=institution).equal
    test_verify.archive(folder, institution)  # all messages again, from the beginning
    assert places(busiest) == {"database lms: public.erasures", "database lms: public.outbox"}
    assert verify(institution=institution).equal
    with connect_analytics() as connection:  # and it can fail
        connection.execute(
            "UPDATE learner_tiles SET clicks = clicks + 1 WHERE user_id IN "
            "(SELECT pseudonym FROM erasures) AND institution_id = %s",
            [institution],
        )
    found = verify(institution=institution).difference
    assert found is not None


def test_verify_counts_of_the_archive_what_kafka_no_longer_has(
    imported: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if Kafka had dropped all that is archived; then a mark from before the last event."""
    institution, _ = imported
    now = load(beginning.__file__, "beginning.sql")["now"]
    with connect_analytics(autocommit=True) as connection:
        connection.execute("DELETE FROM archive_marks")
        connection.execute("DELETE FROM archive_offsets")
        for place in kafka.places(*(topic.name for topic in EVENT_TOPICS)):
            connection.execute(
                "INSERT INTO archive_offsets (topic, partition, next_offset) VALUES (%s, %s, %s)",
                [*place, end_of(place)],
            )
        monkeypatch.setattr(beginning, "_low", lambda: {(USERS.name, 0): 1})
        read = count_messages(monkeypatch)
        before = verify(institution=institution)
        assert read == []
        assert before.difference is None or before.difference.check.right == "learner_day"
        event = wrap(
            ContentViewed(user_id=new_id(), course_id=new_id(), item_id=new_id(), kind="page"),
            institution_id=institution,
            source_service="forger",
        )
        producer = kafka.producer()
        producer.produce(event.topic, event.encode(), event.key)
        assert producer.flush(30) == 0
        found = verify(institution=institution).difference
        assert len(read) == 1
        assert found is not None
        # A mark up to which nothing was archived: all of it is read from Kafka again.
        batch_no, offsets, _ = connection.execute(now.encode()).fetchone()
        nothing = {topic: dict.fromkeys(places, 1) for topic, places in offsets.items()}
        connection.execute(
            "INSERT INTO archive_marks VALUES (0, now(), %s, '{}'), (%s, now(), %s, '{}')",
            [Jsonb(nothing), batch_no, Jsonb(offsets)],
        )
        assert beginning.find(connection).batch_no == 0
        monkeypatch.setattr(beginning, "_low", lambda: {(USERS.name, 0): 2})
        assert beginning.find(connection).batch_no == batch_no
        connection.execute("DELETE FROM archive_marks")
        connection.execute("DELETE FROM archive_offsets")


def end_of(place: kafka.Place) -> int:
    with closing(kafka.consumer("test-end")) as consumer:
        return int(consumer.get_watermark_offsets(TopicPartition(*place), timeout=10)[1])


def count_messages(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many messages of events each reading of Kafka takes, of those that take some."""
    read: list[int] = []
    of_kafka = Messages._read

    def reading(self: Messages, places: Any, advance: Any) -> int:
        count = of_kafka(self, places, advance)
        if count and places[0][0] != DEAD_LETTERS.name:
            read.append(count)
        return count

    monkeypatch.setattr(Messages, "_read", reading)
    return read


def test_another_import_does_not_bring_the_person_back(imported: tuple[str, Path]) -> None:
    institution, folder = imported
    with connect_lms(autocommit=True) as connection:
        erased = connection.execute(
            "SELECT count(*) FROM users WHERE erased_at IS NOT NULL AND institution_id = %s",
            [institution],
        ).fetchone()
        people = connection.execute(
            "SELECT count(*) FROM users WHERE institution_id = %s", [institution]
        ).fetchone()
        connection.execute("DELETE FROM import_runs WHERE institution_id = %s", [institution])
        import_oulad(folder, institution)
        assert erased == (1,)
        assert (
            connection.execute(
                "SELECT count(*) FROM users WHERE institution_id = %s", [institution]
            ).fetchone()
            == people
        )


def test_the_event_itself_is_kept_under_the_new_id(engine: Engine) -> None:
    old, new, institution = new_id(), str(uuid4()), new_id()
    event = wrap(UserDeleted(user_id=old), institution_id=institution, source_service="test")
    moved(old, new)
    with closing(ArchiveTable()) as table:
        archive(table, [event])
    with connect_analytics() as connection:
        row = connection.execute(
            "SELECT user_id::text, payload FROM activity_events WHERE institution_id = %s",
            [institution],
        ).fetchone()
    assert row == (new, {"user_id": new})
    drain(engine)
