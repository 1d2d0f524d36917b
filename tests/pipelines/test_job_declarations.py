"""Every declared job stands: found by name, its SQL writes what it says, its sinks have keys."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from contracts.errors import Rejected
from contracts.topics import CONTENT
from pipelines import application
from pipelines.derive.tables import Table
from pipelines.job import Job, Upsert, catalogue, find, tables
from pipelines.start import Start
from pipelines.verify.checks import CHECKS
from stack.flink import FlinkSettings
from stack.profile import REPOSITORY

EVERY_TABLE = pytest.mark.parametrize("table", tables(), ids=lambda table: table.name)
EVERY_JOB = pytest.mark.parametrize("job", catalogue().values(), ids=lambda job: job.name)


@EVERY_JOB
def test_a_job_inserts_into_exactly_the_tables_it_declares(job: Job) -> None:
    written = [re.match(r"INSERT INTO (\w+)", text) for text in job.statements()]
    assert [found and found[1] for found in written] == [sink.table for sink in job.writes]


@EVERY_JOB
def test_a_job_reads_only_views_of_valid_events(job: Job) -> None:
    assert "_messages" not in job.sql_path.read_text()


@EVERY_TABLE
def test_a_table_is_kept_in_partial_sums_of_buckets(table: Table) -> None:
    assert table.time in table.key
    assert table.key[-1] == "part"
    assert set(table.key) <= set(table.columns)


@EVERY_TABLE
def test_a_table_is_compared_by_verify(table: Table) -> None:
    covered = [check for check in CHECKS if table.name in check.covers]
    assert covered, f"write pipelines/verify/row_by_row/{table.name}.sql"


@EVERY_TABLE
def test_a_job_and_what_verify_expects_are_all_that_names_a_table(table: Table) -> None:
    """Making it, rights, readers, Kafka's access, rebuilds and the page follow from these."""
    for path in (*(REPOSITORY / "pipelines").rglob("*.py"), *(REPOSITORY / "stack").glob("*.py")):
        if path.parent.name not in ("jobs", "verify"):
            assert table.name not in path.read_text(encoding="utf-8"), path
    for name in ("rights.sql", "readers.sql"):
        assert table.name not in (REPOSITORY / "pipelines" / name).read_text(encoding="utf-8")


def test_a_number_is_a_number_to_flink_and_everything_else_a_text() -> None:
    columns = "id uuid\nn integer\nm bigint\nx double precision\nyes boolean\nat timestamptz"
    sink = Upsert(Table("t", "", columns, ("id",)))
    types = ("STRING", "INT", "BIGINT", "DOUBLE", "BOOLEAN", "STRING")
    assert tuple(sink.columns.values()) == types
    assert "PRIMARY KEY (`id`) NOT ENFORCED" in sink.ddl()


def test_the_jobs_share_one_table_and_one_check_of_a_topic() -> None:
    definitions = application.definitions(list(catalogue().values()))
    assert sum("TABLE content_messages" in text for text in definitions) == 1
    assert sum("VIEW content_checked" in text for text in definitions) == 1


LATER = Start(3, {CONTENT.name: {"0": 12, "2": 300}})
JOB = catalogue()["course_activity"]
SECOND = replace(JOB, name="second", tables=())


def test_a_changed_plan_has_another_fingerprint() -> None:
    assert application.fingerprint(JOB, Start()) == application.fingerprint(JOB, Start())
    assert application.fingerprint(JOB, LATER) != application.fingerprint(JOB, Start())
    assert application.fingerprint(JOB, Start(1)) != application.fingerprint(JOB, Start())


def test_after_a_rebuild_a_job_begins_where_it_ended_and_numbers_its_parts_anew() -> None:
    starts = {JOB.name: LATER}
    source, keyed, repeats = application.definitions([JOB], starts)[:3]
    assert (
        "'scan.startup.specific-offsets' = 'partition:0,offset:12;partition:2,offset:300'" in source
    )
    # What the archive counted, nobody takes back; and the offsets are another topic's.
    assert ">= CASE CAST(SPLIT_INDEX(message_key, '/', 1) AS INT) WHEN 0 THEN 12 " in repeats
    assert "earliest-offset" in keyed
    _, view, *_ = application.statements([JOB], starts)
    assert "CAST(3000000000 AS BIGINT) + `arrived` AS `part`" in view
    assert "WHERE `offset` >= CASE `partition` WHEN 0 THEN 12 " in view, "a savepoint is before it"


def test_jobs_that_begin_at_different_offsets_read_from_the_first_and_filter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Job, "statements", lambda self: [])
    earlier = Start(1, {CONTENT.name: {"0": 9, "1": 4, "2": 700}})
    source = application.definitions([JOB, SECOND], {JOB.name: LATER, "second": earlier})[0]
    assert "'partition:0,offset:9;partition:2,offset:300'" in source
    views = application.statements([JOB, SECOND], {JOB.name: LATER, "second": earlier})
    assert [text.startswith("DROP") for text in views] == [True, False] * 2
    case = "`offset` >= CASE `partition` "
    assert views[1].endswith(f"WHERE {case}WHEN 0 THEN 12 WHEN 2 THEN 300 ELSE 0 END")
    assert views[3].endswith(f"WHERE {case}WHEN 0 THEN 9 WHEN 1 THEN 4 WHEN 2 THEN 700 ELSE 0 END")
    # One that reads from the beginning needs no filter, and the source begins there.
    source = application.definitions([JOB, SECOND], {JOB.name: LATER, "second": Start(1)})[0]
    assert "earliest-offset" in source
    views = application.statements([JOB, SECOND], {JOB.name: LATER, "second": Start(1)})
    assert ["WHERE" in text for text in views] == [False, True, False, False]


def test_no_two_jobs_have_the_same_parts_also_where_nothing_is_known_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else Flink would keep two jobs' sums as one, and could not tell them apart later."""
    monkeypatch.setattr(Job, "statements", lambda self: [])
    views = application.statements([JOB, SECOND])
    assert "CAST(0 AS BIGINT)" in views[1]
    assert "CAST(1000000000 AS BIGINT)" in views[3]


def test_a_start_says_why_its_rows_cannot_go_on() -> None:
    part_s = FlinkSettings().part_s
    digests = application.digests(JOB)
    assert Start().differences(digests) == [], "nothing is known of rows of an earlier version"
    assert Start(statements=digests, part_s=part_s).differences(digests) == []
    assert Start(statements={**digests, "more": "x"}, part_s=part_s).differences(digests) == []
    (reason,) = Start(statements={}, part_s=part_s).differences({"t": "x"})
    assert reason.startswith("t is new")
    (reason,) = Start(statements={"t": "y"}, part_s=part_s).differences({"t": "x"})
    assert reason.startswith("t is made by another statement")
    (reason,) = Start(statements={}, part_s=part_s + 1).differences({})
    assert "(LMS_FLINK_STATE_TTL_H)" in reason


def test_the_address_of_kafka_is_no_part_of_the_fingerprint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = application.fingerprint(JOB, LATER)
    monkeypatch.setenv("LMS_KAFKA_BOOTSTRAP_SERVERS", "elsewhere:9092")
    assert application.fingerprint(JOB, LATER) == before
    assert "elsewhere:9092" in "".join(application.definitions([JOB]))


def test_no_job_waits_for_a_watermark() -> None:
    """So that an idle partition, or a clock that is wrong, holds nothing up and drops nothing."""
    jobs = list(catalogue().values())
    text = " ".join([*application.definitions(jobs), *application.statements(jobs)]).upper()
    assert "WATERMARK" not in text
    assert not re.search(r"\b(TUMBLE|HOP|SESSION|CUMULATE)\b", text)


def test_an_unknown_job_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Rejected, match="course_activity"):
        find("nonsense")


def test_no_two_advisory_locks_of_the_analytical_database_are_one() -> None:
    """Whoever waits for another's lock waits for as long as that process lives."""
    named = [
        (number, path.name)
        for path in (REPOSITORY / "pipelines").rglob("*.py")
        for number in re.findall(r"= (0x4C53_[0-9A-F]{4})", path.read_text(encoding="utf-8"))
    ]
    assert len(named) >= 4
    assert len({number for number, _ in named}) == len(named), named
