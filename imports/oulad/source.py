"""An OULAD source: finds the seven files in a folder or zip and reads them into DuckDB, checked."""

from __future__ import annotations

import csv
import gzip
import hashlib
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from contracts.errors import Misconfigured, Rejected
from imports.oulad.tables import TABLES, Column

HERE = Path(__file__).parent
SUFFIXES = (".parquet", ".csv", ".csv.gz", ".csv.zip")
MISSING = ("", "?")
"""How the official files (and the copies of them on data portals) write an absent value."""

MEMORY_LIMIT = "1500MB"
"""DuckDB spills to disk beyond this: seven million rows sort in it."""


@dataclass(frozen=True, slots=True)
class Source:
    """The file of each table, and a hash over all of them that names this content."""

    path: Path
    files: dict[str, Path]

    def content_hash(self) -> str:
        """SHA-256 over the tables' names and bytes, in the order of ``TABLES``."""
        digest = hashlib.sha256()
        for table, path in self.files.items():
            digest.update(f"{table}\0{path.stat().st_size}\0".encode())
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()

    @property
    def format(self) -> str:
        """``parquet``, ``csv`` or ``csv.gz``, as the largest table has it."""
        return "".join(self.files["studentVle"].suffixes[-2:]).removeprefix(".")


@contextmanager
def locate(path: Path) -> Iterator[Source]:
    """Find the seven files under ``path``; what is zipped stays unpacked while this is open."""
    if not path.exists():
        raise Misconfigured(
            f"{path}: there is no such folder or zip file; give the folder that holds the OULAD "
            "files (courses.csv, studentVle.csv, …)",
            path=path,
        )
    with tempfile.TemporaryDirectory(prefix="oulad-") as scratch:
        unpacked = Path(scratch)
        if path.is_dir():
            candidates = [item for item in sorted(path.iterdir()) if item.is_file()]
        else:
            candidates = _unzip(path, unpacked)
        files = {table: _pick(path, table, candidates, unpacked) for table in TABLES}
        yield Source(path, files)


def _pick(path: Path, table: str, candidates: list[Path], unpacked: Path) -> Path:
    wanted = {f"{table}{suffix}".lower(): suffix for suffix in SUFFIXES}
    found = [item for item in candidates if item.name.lower() in wanted]
    if not found:
        raise Rejected(
            f"{path}: {table}.csv is missing (also tried: .csv.gz, .csv.zip and .parquet)",
            path=path,
            table=table,
        )
    if len(found) > 1:
        names = " and ".join(item.name for item in found)
        raise Rejected(
            f"{path}: {names} are the same table twice; keep one", path=path, table=table
        )
    if found[0].suffix == ".zip":
        return _pick(found[0], table, _unzip(found[0], unpacked / table), unpacked)
    return found[0]


def _unzip(path: Path, into: Path) -> list[Path]:
    """Unpack the members that are OULAD tables (an archive may hold them in a folder)."""
    into.mkdir(exist_ok=True)
    names = {f"{table}{suffix}".lower() for table in TABLES for suffix in SUFFIXES}
    unpacked = []
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = Path(member.filename).name
                if name.lower() in names and not member.filename.startswith("__MACOSX"):
                    with archive.open(member) as packed, (into / name).open("wb") as plain:
                        shutil.copyfileobj(packed, plain, 1 << 20)
                    unpacked.append(into / name)
    except zipfile.BadZipFile as error:
        raise Rejected(f"{path}: not a readable zip file: {error}", path=path) from error
    return unpacked


@contextmanager
def opened(source: Source, threads: int = 2) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB over a scratch file holding the seven tables, types and references checked.

    Raises ``Rejected`` with the facts ``file``, ``column`` and ``row`` (the line of a CSV file, the
    row of a Parquet file, both from 1) where something is odd.
    """
    with tempfile.TemporaryDirectory(prefix="oulad-db-") as scratch:
        db = duckdb.connect(str(Path(scratch) / "oulad.duckdb"))
        try:
            db.execute(f"SET threads = {threads}; SET memory_limit = '{MEMORY_LIMIT}'")
            db.execute(f"SET temp_directory = '{scratch}'; SET TimeZone = 'UTC'")
            for table, columns in TABLES.items():
                _read(db, table, columns, source.files[table])
            _check(db, source)
            yield db
        finally:
            db.close()


def _read(
    db: duckdb.DuckDBPyConnection, table: str, columns: tuple[Column, ...], path: Path
) -> None:
    try:
        header = _header(db, path)
        missing = [column.name for column in columns if column.name not in header]
        if missing:
            raise Rejected(
                f"{path.name}: the column {missing[0]} is missing; found {', '.join(header)}",
                file=path.name,
                column=missing[0],
                row=1,
            )
        selected = ", ".join(f'CAST("{c.name}" AS {c.type}) AS {c.name}' for c in columns)
        db.execute(f"CREATE TABLE {table} AS SELECT {selected} FROM {_scan(path, header, columns)}")
    except duckdb.Error as error:
        raise _unreadable(path, str(error)) from error
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise Rejected(f"{path.name}: cannot be read: {error}", file=path.name) from error
    required = [column.name for column in columns if not column.optional]
    for name in required:
        empty = db.execute(f"SELECT min(rowid) FROM {table} WHERE {name} IS NULL").fetchone()
        if empty and empty[0] is not None:
            raise _odd(path, name, empty[0], "is empty")


def _header(db: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    if path.suffix.lower() == ".parquet":
        return [row[0] for row in db.execute(f"DESCRIBE FROM {_quoted(path)}").fetchall()]
    open_text = gzip.open if path.suffix.lower() == ".gz" else open
    with open_text(path, "rt", encoding="utf-8-sig", newline="") as file:
        return [name.strip() for name in next(csv.reader(file), [])]


def _scan(path: Path, header: list[str], columns: tuple[Column, ...]) -> str:
    if path.suffix.lower() == ".parquet":
        return f"read_parquet({_quoted(path)})"
    # Types are declared, not sniffed: a sniffer that has seen 20,000 rows is wrong at row 20,001.
    types = {column.name: column.type for column in columns}
    declared = ", ".join(f"{_quoted(n)}: '{types.get(n, 'VARCHAR')}'" for n in header)
    return (
        f"read_csv({_quoted(path)}, header = true, auto_detect = false, delim = ',', quote = '\"', "
        f"escape = '\"', columns = {{{declared}}}, nullstr = [{', '.join(map(_quoted, MISSING))}])"
    )


def _quoted(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _unreadable(path: Path, message: str) -> Rejected:
    """DuckDB names line and column inside its message; make them facts."""
    line = re.search(r"Line: (\d+)", message)
    column = re.search(r'column[: ]+"?(\w+)"?', message)
    value = re.search(r"[Cc]ould not convert string [\"'](.*?)[\"']", message)
    said = f"{value.group(1)!r} is not a number" if value else message.splitlines()[0]
    where = f", column {column.group(1)}" if column else ""
    where += f", row {line.group(1)}" if line else ""
    return Rejected(
        f"{path.name}{where}: {said}",
        file=path.name,
        column=column.group(1) if column else None,
        row=int(line.group(1)) if line else None,
    )


def _check(db: duckdb.DuckDBPyConnection, source: Source) -> None:
    """The first row that breaks a rule of ``check.sql``, if any, as an error."""
    row = db.execute((HERE / "check.sql").read_text(encoding="utf-8")).fetchone()
    if row:
        table, column, rowid, message = row
        raise _odd(source.files[table], column, rowid, message)


def _odd(path: Path, column: str, rowid: int, message: str) -> Rejected:
    # The tables keep the files' order, so DuckDB's rowid gives the line (a CSV has a header).
    number = rowid + (1 if path.suffix.lower() == ".parquet" else 2)
    return Rejected(
        f"{path.name}, column {column}, row {number}: {message}",
        file=path.name,
        column=column,
        row=number,
    )
