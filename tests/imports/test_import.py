"""An import is exact whatever happens: twice, killed half-way, overlapping, then replayed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import httpx
import psycopg
import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition

from contracts.errors import Rejected
from contracts.history import is_history
from contracts.ids import named_id, new_id
from contracts.topics import CONTENT, EVENT_TOPICS
from imports.oulad.replay import replay
from imports.oulad.service import import_oulad
from imports.oulad.source import locate
from pipelines.verify.messages import Messages
from stack import kafka
from stack.http import HttpSettings
from stack.postgres import connect_lms
from stack.profile import REPOSITORY, Profile
from tests.imports.oulad_files import FILES, part_of_sample, write
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.integration

UNTIL = date(2014, 2, 12)


@pytest.fixture
def institution(stack: Profile) -> str:
    return new_id()


def published(institution: str) -> dict[str, int]:
    """Messages of an institution in Kafka by type, and under ``distinct`` its distinct ids."""
    with duckdb.connect() as db:
        Messages(db).catch_up()
        rows = db.execute(
            "SELECT event_type, count(*)::BIGINT FROM kafka_event WHERE institution_id = ? "
            "GROUP BY event_type",
            [institution],
        ).fetchall()
        [distinct] = db.execute(
            "SELECT count(DISTINCT event_id) FROM kafka_event WHERE institution_id = ?",
            [institution],
        ).fetchone()
    return dict(rows) | {"distinct": distinct}


def rows(institution: str) -> dict[str, int]:
    tables = ("users", "courses", "content_items", "enrollments", "submissions", "content_views")
    with connect_lms() as connection:
        return {
            table: connection.execute(
                f"SELECT count(*) FROM {table} WHERE institution_id = %s", [institution]
            ).fetchone()[0]
            for table in tables
        }


def test_importing_twice_changes_nothing(institution: str, tmp_path: Path) -> None:
    folder = write(tmp_path)
    done = import_oulad(folder, institution)
    first = published(institution), rows(institution)
    assert done.published == first[0]["distinct"] == sum(done.run.events.values())
    assert sum(first[0].values()) == 2 * done.published
    again = import_oulad(folder, institution)
    assert again.nothing_new
    assert again.published == 0
    assert (published(institution), rows(institution)) == first


def test_a_source_that_overlaps_an_earlier_one_brings_only_the_rest(
    institution: str, tmp_path: Path
) -> None:
    parts = {
        table: "\n".join(
            [text.splitlines()[0], *(line for line in text.splitlines()[1:] if "BBB" in line)]
        )
        + "\n"
        for table, text in FILES.items()
        if table != "studentAssessment"
    }
    parts["studentAssessment"] = FILES["studentAssessment"].replace(
        "1752,11391,18,0,78\n1752,28400,10,0,\n", ""
    )
    import_oulad(write(tmp_path / "part", **parts), institution)
    import_oulad(write(tmp_path / "all"), institution)
    found = published(institution)
    assert found.pop("distinct") == sum(found.values())
    assert found["user.created"] == 4
    assert found["course.created"] == 2
    assert found["content.viewed"] == 6
    assert rows(institution)["enrollments"] == 4


def test_the_same_source_up_to_another_day_is_refused(institution: str, tmp_path: Path) -> None:
    folder = write(tmp_path)
    import_oulad(folder, institution, until=UNTIL)
    with pytest.raises(Rejected, match="learnstream replay"):
        import_oulad(folder, institution)


def test_days_held_back_count_from_the_last_view(institution: str, tmp_path: Path) -> None:
    folder = write(tmp_path)
    done = import_oulad(folder, institution, hold_back_days=10)
    assert done.run.until_on == date(2014, 6, 17)
    assert published(institution)["content.viewed"] == 5
    assert import_oulad(folder, institution, hold_back_days=10).nothing_new
    with pytest.raises(Rejected, match="imported until 2014-06-17"):
        import_oulad(folder, institution, hold_back_days=11)


@pytest.fixture
def lms(stack: Profile, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LMS_HTTP_LMS_PORT", str(free_port()))
    process = subprocess.Popen([sys.executable, "-m", "core_lms"], cwd=REPOSITORY, env=os.environ)
    try:
        until(
            lambda: httpx.get(f"{HttpSettings().lms_url}/health/ready").status_code == 200,
            "the LMS is ready",
            ignoring=httpx.TransportError,
            process=process,
        )
        yield
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.usefixtures("lms")
def test_held_back_days_come_over_http_once_however_often_they_are_replayed(
    institution: str, tmp_path: Path
) -> None:
    folder = write(tmp_path)
    import_oulad(folder, institution, until=UNTIL)
    before = rows(institution)
    done = replay(institution, speed=0)
    assert done.results == 1
    assert not any(answers.refused for answers in done.answers)
    after = rows(institution)
    assert after["content_views"] == before["content_views"] + 2
    assert after["submissions"] == before["submissions"] + 1
    assert published(institution)["course.completed"] == 1
    with connect_lms() as connection:
        clicks = connection.execute(
            "SELECT sum(clicks), min(occurred_at)::text FROM content_views "
            "WHERE institution_id = %s",
            [institution],
        ).fetchone()
    waiting = replayed(institution)
    assert clicks == (9, "2014-02-13 00:00:00+00")
    assert waiting == 4  # two views, a submission and its grade
    assert silent(institution) == {True}, "and what waits for Kafka is as silent as what is there"

    assert replay(institution, speed=0).days == []
    with connect_lms() as connection:
        forget(connection, institution)
    again = replay(institution, speed=0)
    assert again.days == done.days
    assert rows(institution) == after
    assert published(institution)["course.completed"] == 1
    assert replayed(institution) == waiting


def replayed(institution: str) -> int:
    """Events of learners that wait in the outbox; descriptions of courses wait there too."""
    with connect_lms() as connection:
        row = connection.execute(
            "SELECT count(*) FROM outbox WHERE message::json->>'institution_id' = %s "
            "AND message::json->>'event_type' NOT LIKE '%%.described'",
            [institution],
        ).fetchone()
    return int(row[0]) if row else 0


def silent(institution: str) -> set[bool]:
    """Whether the institution's messages, in Kafka and on the way there, say that they are past."""
    start = dict.fromkeys(kafka.places(*(topic.name for topic in EVENT_TOPICS)), 0)
    found = {
        is_history(message.headers())
        for messages in kafka.remaining(start)
        for message in messages
        if institution.encode() in (message.value() or b"")
    }
    with connect_lms() as connection:
        rows = connection.execute(
            "SELECT DISTINCT history FROM outbox WHERE message::json->>'institution_id' = %s",
            [institution],
        ).fetchall()
    return found | {row[0] for row in rows}


def test_an_import_that_shall_notify_marks_nothing_as_past(
    institution: str, tmp_path: Path
) -> None:
    import_oulad(write(tmp_path), institution, until=UNTIL, notify=True)
    assert silent(institution) == {False}


def forget(connection: psycopg.Connection, institution: str) -> None:
    """As if the replay had been killed before it noted the days as done."""
    connection.execute(
        "UPDATE import_runs SET replayed_until_on = NULL WHERE institution_id = %s", [institution]
    )


def test_an_import_killed_half_way_goes_on_and_publishes_each_event_once(
    institution: str, tmp_path: Path
) -> None:
    """The last one here: what reads Kafka after it reads two hundred thousand events."""
    sample = part_of_sample(tmp_path)
    command = [sys.executable, "-m", "stack.cli", "import", "oulad", str(sample)]
    process = subprocess.Popen([*command, "--institution", institution], cwd=REPOSITORY)
    with locate(sample) as source:
        group = f"import-{named_id(institution, 'import', source.content_hash())}"
    position = TopicPartition(CONTENT.name, 0)
    consumer = kafka.consumer(group)
    until(
        lambda: committed(consumer, position) >= 0,
        "it has published a part",
        every_s=0.02,
        process=process,
    )
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    consumer.close()
    half = published(institution)
    with connect_lms() as connection:
        status = connection.execute(
            "SELECT status FROM import_runs WHERE institution_id = %s", [institution]
        ).fetchone()
    assert status == ("running",)

    done = import_oulad(sample, institution)
    whole = published(institution)
    assert 0 < half["distinct"] < whole["distinct"]
    assert done.published == whole["distinct"] - half["distinct"]
    distinct = whole.pop("distinct")
    assert whole == done.run.events
    assert distinct == sum(whole.values())
    with duckdb.connect() as db:
        views = db.execute(f"SELECT count(*) FROM '{sample / 'studentVle.parquet'}'").fetchall()
    assert [(whole["content.viewed"],)] == views


def committed(consumer: Consumer, position: TopicPartition) -> int:
    try:
        return int(consumer.committed([position], timeout=10)[0].offset)
    except KafkaException:  # a broker that has just started is still looking for its coordinator
        return -1
