"""The jobs' own SQL in Flink: expected rows as files, and verify's independent computation."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from contracts.envelope import Envelope
from contracts.event import EVENTS
from pipelines.job import catalogue, tables
from pipelines.verify import tables as verify_tables
from pipelines.verify.checks import FILES, first_difference
from pipelines.verify.messages import Messages
from pipelines.verify.reconcile import DERIVED
from tests.pipelines import batch
from tests.pipelines.history import History

pytestmark = [pytest.mark.slow, pytest.mark.flink]

ARRIVAL = datetime(2025, 3, 4, 23, 59, tzinfo=UTC)
CHECKS = {check.right: check for check in FILES if check.right in {one.name for one in tables()}}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """A disordered history with repeated messages that came on two days, as Flink counted it."""
    history = History(11, count=1500)
    sent = history.disordered()
    arrived = [(event, ARRIVAL + timedelta(seconds=n % 120)) for n, event in enumerate(sent)]
    found = batch.count(
        list(catalogue().values()), arrived, tmp_path_factory.mktemp("sums")
    )
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    verify_tables.set_variables(db)
    _take(db, sent)
    for table in tables():
        columns = ", ".join(
            f"'{name}': '{'TIMESTAMPTZ' if one.type.startswith('timestamp') else one.type}'"
            for name, one in table.columns.items()
        )
        db.execute(
            f"CREATE TABLE {table.name} AS FROM read_json('{found[table.name]}/*', "
            f"format = 'newline_delimited', columns = {{{columns}}})"
        )
    return db


def _take(db: duckdb.DuckDBPyConnection, sent: list[Envelope]) -> None:
    messages = Messages(db)
    of_topic: dict[str, list[bytes]] = defaultdict(list)
    for event in sent:
        of_topic[event.topic].append(event.encode())
    for topic, values in of_topic.items():
        messages.count(topic, values)
    for name in ("distinct_events", "distinct_payloads"):
        verify_tables.derive(db, name)


@pytest.mark.parametrize("name", CHECKS)
def test_flink_counts_what_verify_expects(compared: duckdb.DuckDBPyConnection, name: str) -> None:
    check = CHECKS[name]
    compared.execute(f"CREATE OR REPLACE TABLE found AS {check.found}")
    compared.execute(f"CREATE OR REPLACE TABLE {check.left} AS {check.expected}")
    compared.execute(f"ALTER TABLE {name} RENAME TO kept")
    try:
        compared.execute(f"CREATE VIEW {name} AS FROM found")
        assert first_difference(compared, check) is None
        counted = compared.execute("SELECT count(*) FROM found").fetchone()
        assert counted and counted[0] > 10
    finally:
        compared.execute(f"DROP VIEW {name}; ALTER TABLE kept RENAME TO {name}")
