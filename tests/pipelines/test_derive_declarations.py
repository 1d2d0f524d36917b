"""Every derived job stands: its declaration and its SQL name the same tables, in an order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.errors import Misconfigured
from contracts.event import EVENTS
from contracts.events import LEARNER_ACTIONS
from contracts.topics import CONTENT
from pipelines import generate
from pipelines.derive import engine
from pipelines.derive.actions import own_actions
from pipelines.derive.job import ARCHIVE, INPUTS, INPUTS_SQL, Derived, catalogue, in_order, tables
from pipelines.derive.tables import Table
from pipelines.verify.checks import CHECKS
from stack.profile import REPOSITORY
from stack.queries import load

EVERY_JOB = pytest.mark.parametrize("job", catalogue().values(), ids=lambda job: job.name)
EVERY_TABLE = pytest.mark.parametrize("table", tables(), ids=lambda table: table.name)
LOADING = [text for text in load(engine.__file__, "load_inputs.sql").values() if "INSERT" in text]


def named(statements: Iterable[str]) -> set[str]:
    """The tables that the statements read or write."""
    text = re.sub(r"--.*", "", "\n".join(statements))
    text = re.sub(r"IS (NOT )?DISTINCT FROM|\w+\(\w+ FROM", "", text)
    within = set(re.findall(r"(?:WITH|,)\s+(\w+) AS (?:MATERIALIZED )?\(", text))
    read = re.findall(r"\b(?:FROM|JOIN|UPDATE|USING)\s+([a-z_]+)\b(?!\s*\()", text)
    return {*read, *re.findall(r"\bINTO ([a-z_]+)", text)} - within


def job(name: str, reads: tuple[str, ...], keeps: str) -> Derived:
    return Derived(name, "", (Table(keeps, "", "user_id uuid", ("user_id",)),), reads)


@EVERY_JOB
def test_a_job_declares_the_tables_that_its_sql_names(job: Derived) -> None:
    assert named(job.statements()) == job.writes | set(job.reads)


@EVERY_JOB
def test_a_job_runs_after_those_whose_tables_it_reads(job: Derived) -> None:
    order = list(catalogue())
    assert all(order.index(name) < order.index(job.name) for name in job.needs)


@EVERY_JOB
def test_a_job_with_keys_that_are_due_has_a_queue_and_a_query_for_all_keys(job: Derived) -> None:
    queues = {queue.name for one in catalogue().values() for queue in one.queues}
    assert (job.due is None) == (job.all_due is None) == ("due" not in job.scratch)
    assert job.due is None or job.due in queues


def test_jobs_that_wait_for_each_other_are_refused() -> None:
    circle = {"a": job("a", ("of_b",), "of_a"), "b": job("b", ("of_a",), "of_b")}
    with pytest.raises(Misconfigured, match=r"wait for each other: (a → b → a|b → a → b)"):
        in_order(circle)


def test_a_read_that_nobody_writes_is_refused() -> None:
    with pytest.raises(Misconfigured, match="a reads nowhere, which no job writes"):
        in_order({"a": job("a", ("nowhere",), "of_a")})


def test_two_jobs_that_write_one_table_are_refused() -> None:
    with pytest.raises(Misconfigured, match="b and a write of_a"):
        in_order({"a": job("a", (), "of_a"), "b": job("b", (), "of_a")})


def test_the_alphabet_does_not_order_the_jobs() -> None:
    later = {"a": job("a", ("of_b",), "of_a"), "b": job("b", (ARCHIVE,), "of_b")}
    assert list(in_order(later)) == ["b", "a"]


def test_every_input_is_loaded_and_read() -> None:
    assert named(LOADING) >= set(INPUTS)
    read = {table for one in catalogue().values() for table in one.reads}
    for table in INPUTS:
        others = [text for text in LOADING if f"INTO {table}" not in text]
        assert table in read or table in named(others), table


def test_temporary_tables_are_listed_nowhere_else() -> None:
    """A second list would be forgotten by whoever adds one."""
    scratch = {name for one in catalogue().values() for name in one.scratch}
    for path in Path(engine.__file__).parent.rglob("*.py"):
        if path.parent.name != "jobs":
            text = path.read_text(encoding="utf-8")
            assert not re.findall(
                r"(TRUNCATE|CREATE TEMP TABLE) (?!\{|everybody|wanted|taken|due|IF)\w+", text
            )
            assert sum(f'"{name}"' in text for name in scratch - {"due"}) == 0, path


@pytest.mark.parametrize(
    "path", sorted(Path(engine.__file__).parent.rglob("*.sql")), ids=lambda path: path.stem
)
def test_every_insert_names_its_columns(path: Path) -> None:
    """A column added in the middle would shift the others."""
    text = path.read_text(encoding="utf-8")
    inserts = re.findall(r"INSERT INTO (\S+)(?: AS \w+)?(\s+\()?(\s*SELECT (?:\w+\.)?\*)?", text)
    assert [name for name, columns, copied in inserts if not columns and not copied] == []


@EVERY_TABLE
def test_the_key_and_the_time_of_a_table_are_columns_of_it(table: Table) -> None:
    assert {*table.key, *filter(None, [table.time])} <= set(table.columns)


@EVERY_TABLE
def test_a_column_that_holds_a_person_bears_the_name_that_erasure_knows(table: Table) -> None:
    odd = {name for name in table.columns if re.search(r"user|person|learner_id", name)}
    assert odd <= {"user_id"}


@EVERY_TABLE
def test_a_table_is_compared_by_verify(table: Table) -> None:
    assert [check for check in CHECKS if table.name in check.covers], (
        f"write pipelines/verify/row_by_row/{table.name}.sql"
    )


@EVERY_TABLE
def test_no_other_file_has_to_name_a_derived_table(table: Table) -> None:
    """Rights, views of readers, erasure, rebuilds and queues follow from the declaration."""
    lists = (
        "rights.sql",
        "readers.sql",
        "readers.py",
        "retention.py",
        "rebuild.py",
        "derive/rebuild.py",
    )
    for path in (*lists, "derive/process.py", "verify/behind.py", "derive/inputs.sql"):
        text = re.sub(r"--.*", "", (REPOSITORY / "pipelines" / path).read_text(encoding="utf-8"))
        assert not re.search(rf"[\"', ]{table.name}[\"',\n]", text), path


def test_the_page_of_derived_tables_has_every_table() -> None:
    [page] = generate.generate().values()
    for one in catalogue().values():
        for table in one.tables:
            assert f"## `analytics.{table.name}`" in page


def test_a_line_that_is_no_column_is_refused() -> None:
    with pytest.raises(TypeError, match="a line of its columns is no column"):
        replace(tables()[0], declared="user_id").columns  # noqa: B018


def test_the_inputs_are_emptied_at_each_commit() -> None:
    text = INPUTS_SQL.read_text(encoding="utf-8")
    assert text.count("CREATE TEMP TABLE") == text.count("ON COMMIT DELETE ROWS") == len(INPUTS)


def test_an_event_of_content_is_always_a_learners_own_action() -> None:
    """The archive is asked for the whole topic: every class of it has to say so."""
    content = {type_ for type_, event in EVENTS.items() if event.TOPIC == CONTENT}
    assert content <= set(LEARNER_ACTIONS)
    assert own_actions("assessment.graded").count("assessment.graded") == 1


def test_which_events_are_a_learners_own_is_said_on_the_event_alone() -> None:
    others = [type_ for type_ in LEARNER_ACTIONS if EVENTS[type_].TOPIC != CONTENT]
    for path in [
        *(REPOSITORY / "pipelines").rglob("*.sql"),
        *(REPOSITORY / "pipelines").rglob("*.py"),
    ]:
        text = path.read_text(encoding="utf-8")
        assert not all(type_ in text for type_ in others), path
