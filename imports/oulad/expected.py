"""What the imported sources amount to, counted anew from their files."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from psycopg.rows import dict_row

from contracts.errors import Rejected
from core_lms.sealing import person
from imports import progress, runs
from imports.oulad.source import locate, opened
from imports.runs import Run
from stack.postgres import connect_lms

HERE = Path(__file__).parent
TABLES = {
    "source_content": "institution_id UUID, course_id UUID, user_id UUID, kind VARCHAR, day DATE, "
    "events BIGINT, clicks BIGINT",
    "source_enrollment": "institution_id UUID, course_id UUID, user_id UUID, day DATE, "
    "events BIGINT",
    "source_submission": "institution_id UUID, course_id UUID, user_id UUID, kind VARCHAR, "
    "day DATE, events BIGINT",
}
"""What is written, one Parquet file per table; ``day`` is the UTC date of the event."""


def write_expected(into: Path) -> list[Run]:
    """Count the sources of every import into ``into``/<table>.parquet; returns the imports.

    Only days that were imported count: what came over HTTP later stands in the LMS's own tables.
    Raises ``Rejected`` where a source has changed since or an import was interrupted.
    """
    into.mkdir(parents=True, exist_ok=True)
    with connect_lms(autocommit=True) as connection:
        found = runs.all_runs(connection, None)
        for run in found:
            if run.status != "finished":
                raise Rejected(f"the import of {run.name} was interrupted; run it again first")
        for table, columns in TABLES.items():
            with duckdb.connect() as empty:
                empty.execute(f"CREATE TABLE {table} ({columns})")
                empty.execute(f"COPY {table} TO '{into / f'{table}-none.parquet'}'")
        for number, run in enumerate(found):
            _count(connection, run, into, number)
    return found


def _count(connection: psycopg.Connection[Any], run: Run, into: Path, number: int) -> None:
    with progress.waiting(f"counting {run.source_path}"), locate(Path(run.source_path)) as source:
        if source.content_hash() != run.content_hash:
            raise Rejected(
                f"{run.source_path} is not what was imported: its content has changed; put the "
                "imported files back",
                path=run.source_path,
            )
        with opened(source) as db:
            for table, columns in TABLES.items():
                db.execute(f"CREATE TABLE {table} ({columns})")
            _lms_ids(db, connection, run)
            db.execute("SET VARIABLE until = ?::DATE", [run.until_on or date.max])
            db.execute(
                "CREATE TABLE wanted AS SELECT unnest(?::VARCHAR[]) AS presentation",
                [run.presentations],
            )
            db.execute((HERE / "expected.sql").read_text(encoding="utf-8"))
            for table in TABLES:
                db.execute(f"COPY {table} TO '{into / f'{table}-{number}.parquet'}'")


def _lms_ids(db: duckdb.DuckDBPyConnection, connection: psycopg.Connection[Any], run: Run) -> None:
    courses = connection.execute(
        "SELECT metadata->>'module', metadata->>'presentation', id::text, institution_id::text "
        "FROM courses WHERE metadata->>'source' = 'oulad' AND institution_id = %s",
        [run.institution_id],
    ).fetchall()
    learners = _learners(connection, run.institution_id)
    db.execute(
        "CREATE TABLE lms_course (code_module VARCHAR, code_presentation VARCHAR, "
        "course_id UUID, institution_id UUID)"
    )
    db.execute("CREATE TABLE lms_learner (id_student BIGINT, user_id UUID)")
    for course in courses:
        db.execute("INSERT INTO lms_course VALUES (?, ?, ?, ?)", list(course))
    db.execute(
        "INSERT INTO lms_learner SELECT unnest(?::BIGINT[]), unnest(?::UUID[])",
        [[student for student, _ in learners], [user for _, user in learners]],
    )


def _learners(connection: psycopg.Connection[Any], institution_id: str) -> list[tuple[int, str]]:
    """Number in the source and id in the LMS; a forgotten learner's number is not known any more.

    The number is in the profile, and the profile is sealed.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            (HERE / "learners.sql").read_text(encoding="utf-8").encode(), [institution_id]
        )
        profiles = [(row["id"], person.opened(row)["profile"]) for row in cursor]
    return [
        (int(profile["id_student"]), str(user_id))
        for user_id, profile in profiles
        if profile.get("source") == "oulad"
    ]
