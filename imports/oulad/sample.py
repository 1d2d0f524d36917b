"""Cuts whole presentations out of an OULAD source into small Parquet files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb

from contracts.errors import Rejected
from imports.oulad.source import locate, opened
from imports.oulad.tables import TABLES

_KEY = "code_module, code_presentation"


def cut(source: Path, into: Path, presentations: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Write the rows of ``presentations`` (module, presentation); returns the rows per table.

    Only the columns the importer reads are written, sorted so that they compress well: the order of
    rows has no meaning in OULAD.
    """
    with locate(source) as found, opened(found) as db:
        db.execute("CREATE TABLE wanted (code_module VARCHAR, code_presentation VARCHAR)")
        db.executemany("INSERT INTO wanted VALUES (?, ?)", [list(pair) for pair in presentations])
        absent = db.execute(f"FROM wanted ANTI JOIN courses USING ({_KEY})").fetchone()
        if absent:
            raise Rejected(f"{source}: there is no presentation {absent[0]} {absent[1]}")
        into.mkdir(parents=True, exist_ok=True)
        return {table: _write(db, table, into / f"{table}.parquet") for table in TABLES}


def _write(db: duckdb.DuckDBPyConnection, table: str, path: Path) -> int:
    names = [column.name for column in TABLES[table]]
    columns = ", ".join(names)
    rows = f"SELECT {columns} FROM {table}"
    if "code_module" in names:
        rows += f" SEMI JOIN wanted USING ({_KEY})"
    else:  # studentAssessment knows its presentation by the assessment only
        rows += (
            f" SEMI JOIN (FROM assessments SEMI JOIN wanted USING ({_KEY})) USING (id_assessment)"
        )
    order = ", ".join(sorted(names, key=lambda name: (not name.startswith("code_"), name)))
    if table == "studentVle":
        order = f"{_KEY}, id_site, date, sum_click, id_student"
    db.execute(
        f"COPY ({rows} ORDER BY {order}) TO '{path}' "
        "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19, ROW_GROUP_SIZE 1000000)"
    )
    row = db.execute(f"SELECT count(*) FROM '{path}'").fetchone()
    assert row is not None
    return int(row[0])
