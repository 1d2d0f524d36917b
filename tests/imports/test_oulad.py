"""OULAD becomes rows and events: the same ones from every packing, with Python's ids and bytes."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest

from contracts.envelope import decode
from contracts.errors import Misconfigured, Rejected
from contracts.ids import DEFAULT_INSTITUTION, named_id
from imports.oulad import history
from imports.oulad.sample import cut
from imports.oulad.source import locate, opened
from imports.publishing import Chunk, chunks
from stack.profile import REPOSITORY
from tests.imports.oulad_files import FILES, PACKINGS, SAMPLE, as_parquet, part_of_sample, write

Message = tuple[int, str, str, str, str]
SHARED = Path(os.environ.get("LMS_DATA_DIR", REPOSITORY.parent / "shared" / "data")) / "oulad"


def oulad_id(*parts: object) -> str:
    return named_id(DEFAULT_INSTITUTION, "oulad", *parts)


@contextmanager
def mapped(
    path: Path, until: date | None = None, **brought: list
) -> Iterator[duckdb.DuckDBPyConnection]:
    with locate(path) as source, opened(source) as db:
        history.map_history(db, DEFAULT_INSTITUTION, **brought)
        history.state_until(db, until)
        yield db


def messages(path: Path, **options: object) -> list[Message]:
    with mapped(path, **options) as db:
        return db.execute("SELECT day, topic, event_type, key, value FROM message").fetchall()


def of_type(found: list[Message], event_type: str) -> list[dict]:
    return [json.loads(value) for _, _, type_, _, value in found if type_ == event_type]


@pytest.mark.parametrize("packed", PACKINGS)
def test_every_packing_gives_the_same_events_in_the_same_order(
    packed: Callable[[Path], Path], tmp_path: Path
) -> None:
    plain = messages(write(tmp_path / "reference"))
    assert messages(packed(tmp_path / "packed")) == plain
    # Views, enrollments, submissions, grades, courses, people, ends, work set.
    assert len(plain) == 6 + 4 + 3 + 2 + 2 * 2 + 4 + 2 + 1 + 3


def test_messages_are_byte_for_byte_what_the_contract_encodes(tmp_path: Path) -> None:
    found = messages(write(tmp_path))
    assert {type_ for _, _, type_, _, _ in found} == {
        "user.created",
        "course.created",
        "course.published",
        "enrollment.created",
        "enrollment.dropped",
        "course.completed",
        "assessment.created",
        "assessment.submitted",
        "assessment.graded",
        "content.viewed",
    }
    for _, topic, type_, key, value in found:
        envelope = decode(topic, value.encode())
        assert envelope.encode() == value.encode()
        assert (envelope.event_type, envelope.key, envelope.topic) == (type_, key, topic)


def test_sql_computes_the_same_ids_as_python(tmp_path: Path) -> None:
    names = ["", "a/b", "ü/ß/日本", "x" * 300, *(f"view/AAA/2013J/{n}" for n in range(500))]
    with mapped(write(tmp_path)) as db:
        for name in names:
            assert db.execute("SELECT named_id(?)::VARCHAR", [name]).fetchone() == (named_id(name),)
        view = db.execute("SELECT event_id::VARCHAR FROM view WHERE clicks = 7").fetchall()
        [enrollment] = db.execute(
            "SELECT enrollment_id::VARCHAR, user_id::VARCHAR, course_id::VARCHAR FROM enrollment "
            "WHERE completed_day IS NOT NULL"
        ).fetchall()
    assert view == [(oulad_id("view", "AAA", "2013J", 11391, 546712, 268, 7, 1),)]
    assert enrollment == (
        oulad_id("enrollment", "AAA", "2013J", 11391),
        oulad_id("learner", 11391),
        oulad_id("course", "AAA", "2013J"),
    )


def test_exact_duplicate_rows_are_facts_of_their_own_in_whatever_order(tmp_path: Path) -> None:
    header, *lines = FILES["studentVle"].splitlines()
    turned = "\n".join([header, *reversed(lines)]) + "\n"
    found = messages(write(tmp_path / "a"))
    assert messages(write(tmp_path / "b", studentVle=turned)) == found
    views = of_type(found, "content.viewed")
    assert len({view["event_id"] for view in views}) == len(views) == 6
    expected = {
        oulad_id("view", "AAA", "2013J", 11391, 546943, -10, 4, occurrence)
        for occurrence in (1, 2, 3)
    }
    assert expected <= {view["event_id"] for view in views}


def test_days_count_from_the_start_of_the_presentation_and_may_be_before_it(
    tmp_path: Path,
) -> None:
    views = of_type(messages(write(tmp_path)), "content.viewed")
    assert sorted((view["timestamp"], view["payload"]["clicks"]) for view in views) == [
        ("2013-09-21T00:00:00Z", 4),
        ("2013-09-21T00:00:00Z", 4),
        ("2013-09-21T00:00:00Z", 4),
        ("2013-10-01T00:00:00Z", 1),
        ("2014-02-13T00:00:00Z", 2),
        ("2014-06-26T00:00:00Z", 7),
    ]


def test_a_missing_score_is_a_submission_without_a_grade(tmp_path: Path) -> None:
    found = messages(write(tmp_path))
    handed_in = {
        event["payload"]["submission_id"] for event in of_type(found, "assessment.submitted")
    }
    graded = {
        event["payload"]["submission_id"]: event["payload"]["score"]
        for event in of_type(found, "assessment.graded")
    }
    assert len(handed_in) == 3
    assert graded == {
        oulad_id("submission", 1752, 11391): 78.0,
        oulad_id("submission", 1754, 11391): 66.5,
    }
    with mapped(write(tmp_path)) as db:
        rows = db.execute("SELECT count(*), count(score), count(graded_at) FROM lms_submissions")
        assert rows.fetchone() == (3, 2, 2)


def test_who_withdrew_before_the_start_without_a_registration_date_was_there_until_then(
    tmp_path: Path,
) -> None:
    with mapped(write(tmp_path)) as db:
        row = db.execute(
            "SELECT status, created_at, dropped_at FROM lms_enrollments WHERE id = ?",
            [oulad_id("enrollment", "BBB", "2014B", 31604)],
        ).fetchone()
    assert row == ("dropped", "2014-01-28T00:00:00Z", "2014-01-28T00:00:00Z")


def test_rows_stand_as_they_did_at_the_start_of_the_until_day(tmp_path: Path) -> None:
    with mapped(write(tmp_path), until=date(2014, 2, 12)) as db:
        statuses = db.execute(
            "SELECT status, progress FROM lms_enrollments ORDER BY ALL"
        ).fetchall()
        counts = {
            table: db.execute(f"SELECT count(*) FROM lms_{table}").fetchone()[0]
            for table in history.LMS_TABLES
        }
        events = history.counts(db, history.day_number(date(2014, 2, 12)))
    # 11391 has not passed AAA yet, 28400 has left it, and 31604 left BBB before its start.
    assert statuses == [("dropped", 0), ("dropped", 50), ("enrolled", 0), ("enrolled", 50)]
    assert counts["submissions"] == 2
    assert counts["users"] == 3 + 1
    assert events["content.viewed"] == 4
    assert "course.completed" not in events


def test_what_another_import_brought_is_left_out_and_its_people_not_announced_again(
    tmp_path: Path,
) -> None:
    folder = write(tmp_path)
    found = messages(folder, skipped=[("AAA", "2013J")], known=[oulad_id("learner", 11391)])
    assert [event["payload"]["user_id"] for event in of_type(found, "user.created")] == [
        oulad_id("learner", 31604),
        oulad_id("instructor"),
    ]
    courses = {event["payload"]["course_id"] for event in of_type(found, "course.created")}
    assert courses == {oulad_id("course", "BBB", "2014B")}
    assert len(of_type(found, "content.viewed")) == 1


@pytest.mark.slow
def test_each_learners_events_are_in_the_order_of_their_days(tmp_path: Path) -> None:
    last: dict[tuple[str, str], int] = {}
    for day, topic, _, key, _ in messages(part_of_sample(tmp_path)):
        assert last.get((topic, key), day) <= day
        last[topic, key] = day


@pytest.fixture(scope="module")
def sample() -> Iterator[tuple[duckdb.DuckDBPyConnection, Counter[str]]]:
    """All of the sample in the repository, and how many events of each type it is."""
    with mapped(SAMPLE) as db:
        yield db, Counter(history.counts(db, history.FOREVER))


@pytest.mark.slow
def test_the_sample_in_the_repository_is_what_its_readme_says(sample: Any) -> None:
    db, counts = sample
    clicks = db.execute("SELECT sum(clicks) FROM view").fetchone()[0]
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    for number in (
        counts["content.viewed"],
        clicks,
        counts["enrollment.created"],
        counts["assessment.submitted"],
    ):
        assert f"{number:,}" in readme
    assert "10.1038/sdata.2017.171" in readme
    assert "CC BY 4.0" in readme


def test_a_cut_keeps_whole_presentations(tmp_path: Path) -> None:
    folder = write(tmp_path / "all")
    rows = cut(folder, tmp_path / "part", [("BBB", "2014B")])
    assert rows == {
        "courses": 1,
        "assessments": 1,
        "vle": 1,
        "studentInfo": 2,
        "studentRegistration": 2,
        "studentAssessment": 1,
        "studentVle": 1,
    }
    kept = messages(folder, skipped=[("AAA", "2013J")])
    assert messages(tmp_path / "part") == kept
    with pytest.raises(Rejected, match="no presentation CCC 2014B"):
        cut(folder, tmp_path / "none", [("CCC", "2014B")])


WRONG = {
    "a number that is none": ("studentVle", "-10,4", "-1O,4", "date", 2),
    "no clicks": ("studentVle", "268,7", "268,0", "sum_click", 6),
    "a missing click count": ("studentVle", "268,7", "268,", "sum_click", 6),
    "an unknown item": ("studentVle", "600001,12", "600002,12", "id_site", 7),
    "an unknown learner": ("studentVle", "28400,546712", "28401,546712", "id_student", 5),
    "an odd presentation": ("courses", '"2014B"', '"2014A"', "code_presentation", 3),
    "a score above 100": ("studentAssessment", "0,78", "0,780", "score", 2),
    "work of no assessment": ("studentAssessment", "1754,", "1755,", "id_assessment", 4),
    "the same item twice": ("vle", "546712,", "546943,", "id_site", 3),
    "an unknown result": ("studentInfo", ",Fail", ",Passed", "final_result", 4),
    "a registration of nobody": ("studentRegistration", "31604,,", "31605,,", "id_student", 5),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_odd_row_is_named_with_file_column_and_line(case: str, tmp_path: Path) -> None:
    table, old, new, column, row = WRONG[case]
    assert old in FILES[table]
    folder = write(tmp_path, **{table: FILES[table].replace(old, new, 1)})
    with pytest.raises(Rejected) as refused, mapped(folder):
        pass
    if case == "a registration of nobody":  # then 31604 has none: either row shows it
        assert refused.value.file in ("studentInfo.csv", "studentRegistration.csv")
    else:
        assert (refused.value.file, refused.value.column) == (f"{table}.csv", column)
        assert refused.value.row == row
    assert refused.value.file in str(refused.value)


def test_an_odd_row_of_a_parquet_file_is_named_by_its_row(tmp_path: Path) -> None:
    folder = as_parquet(tmp_path)
    with duckdb.connect() as db:
        path = folder / "studentVle.parquet"
        db.execute(f"CREATE TABLE t AS FROM '{path}'")
        db.execute("UPDATE t SET sum_click = -1 WHERE date = 0")
        db.execute(f"COPY (FROM t ORDER BY rowid) TO '{path}'")
    with (
        pytest.raises(Rejected, match=r"studentVle\.parquet, column sum_click, row 4"),
        mapped(folder),
    ):
        pass


def test_a_missing_file_or_column_or_folder_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "a")
    (folder / "vle.csv").unlink()
    with pytest.raises(Rejected, match=r"vle\.csv is missing"), mapped(folder):
        pass
    folder = write(tmp_path / "b", vle=FILES["vle"].replace("activity_type", "type"))
    missing = r"vle\.csv: the column activity_type is missing"
    with pytest.raises(Rejected, match=missing), mapped(folder):
        pass
    with pytest.raises(Misconfigured, match="no such folder"), mapped(tmp_path / "c"):
        pass
    (tmp_path / "d.zip").write_bytes(b"not a zip")
    with pytest.raises(Rejected, match="not a readable zip"), mapped(tmp_path / "d.zip"):
        pass


@pytest.mark.slow
def test_chunks_hold_whole_days_and_all_of_them(sample: Any) -> None:
    db, counts = sample
    cuts = chunks(db, history.FOREVER)
    assert sum(chunk.events for chunk in cuts) == counts.total()
    assert all(isinstance(chunk, Chunk) and chunk.events <= 100_000 for chunk in cuts)
    assert all(a.end_day == b.first_day for a, b in pairwise(cuts))


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs all of OULAD in shared/data/oulad")
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_all_of_oulad_has_the_published_totals() -> None:
    with mapped(SHARED) as db:
        counts = history.counts(db, history.FOREVER)
        clicks, ids = db.execute(
            "SELECT sum(clicks), count(DISTINCT event_id) FROM view"
        ).fetchone()
    assert (counts["content.viewed"], clicks, ids) == (7_035_828, 25_804_801, 7_035_828)
    assert counts["enrollment.created"] == 21_333
    assert counts["assessment.submitted"] == 121_738
