"""One step: load the archive's new events, add the differences they make, move the position.

Everything happens in one Postgres transaction under an advisory lock, so there is at most one step
at a time on the whole installation, and a kill at any moment leaves either all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from pipelines.derive.actions import OWN, own_actions
from pipelines.derive.job import INPUTS, INPUTS_SQL, Derived, catalogue
from pipelines.derive.live import LiveCounters, Presence
from pipelines.derive.settings import DeriveSettings
from stack import postgres
from stack.queries import load

LOCK = 0x4C53_0003  # one step or rebuild at a time; any constant no other lock of ours uses
_ANALYZE_FROM = 2_000
"""Events from which it pays to give the planner statistics of the step's tables."""

_BOUNDS = ("lo", "hi", "around_lo", "around_hi")
_FROM_EVENTS = ("payload_events", "learner_minutes", "active_days")
_FROM_STATE = ("sessions_before", "match_sessions", "neighbours", "days_before", "items_before")
_SESSIONS = ("unmatched_fragments", "sessionize")

_NEXT = """
SELECT batch_no, events FROM (
    SELECT batch_no, events, sum(events) OVER (ORDER BY batch_no) - events AS before
    FROM archive_batches WHERE batch_no > %(done)s ORDER BY batch_no LIMIT 10000
) AS queued WHERE before < %(most)s ORDER BY batch_no
"""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did."""

    upto: int
    batches: int
    events: int
    recent: list[Presence]
    """Who did something in the last hour, for the live counters."""


class Engine:
    """One connection with the step's temporary tables; not for several threads at once."""

    def __init__(self, settings: DeriveSettings | None = None) -> None:
        self.settings = settings or DeriveSettings()
        self._connection: Connection[Any] = postgres.connect_analytics(
            autocommit=True,
            connect_timeout=5,
            application_name="learnstream-derive",
            # The step's tables are of another size each time: no plan is worth keeping.
            # And a lookup of one learner or day is hardly ever repeated.
            prepare_threshold=None,
            # A small sample is enough to estimate how many rows a table of the step has.
            options="-c timezone=UTC -c temp_buffers=64MB -c work_mem=64MB -c jit=off "
            "-c enable_memoize=off -c default_statistics_target=10",
        )
        self._connection.execute(INPUTS_SQL.read_bytes())
        scratch = {
            table: columns for job in catalogue().values() for table, columns in job.scratch.items()
        }
        for table, columns in scratch.items():
            self._connection.execute(
                f"CREATE TEMP TABLE {table} ({columns}) ON COMMIT DELETE ROWS".encode()
            )
        self._temporary = (*INPUTS, *scratch)
        statements = load(__file__, "load_inputs.sql")
        self._statements = {
            name: text.replace("{event}", statements["event"]).replace(OWN, own_actions())
            for name, text in statements.items()
        }

    @property
    def connection(self) -> Connection[Any]:
        return self._connection

    def close(self) -> None:
        self._connection.close()

    def step(self) -> Step | None:
        """Derive what is queued, at most ``step_events`` or one batch; None where nothing is."""
        with self._connection.transaction():
            self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            done = self.position()
            queued = self._connection.execute(
                _NEXT, {"done": done, "most": self.settings.step_events}
            ).fetchall()
            if not queued:
                return None
            upto = queued[-1][0]
            events = sum(count for _, count in queued)
            parameters = self.parameters(done, upto)
            if events:  # else it was a heartbeat
                bounds = self._connection.execute(self._statements["bounds"].encode(), parameters)
                parameters |= zip(_BOUNDS, bounds.fetchone() or (), strict=False)
                self.load_inputs(parameters, events, "new_events")
                self.run((job for job in catalogue().values() if job.due is None), parameters)
            self._execute("advance", parameters)
            self._execute("delete_batches", parameters)
            recent = LiveCounters.recent(self._connection)
            return Step(upto, len(queued), events, recent)

    def position(self) -> int:
        """The last batch that is in the derived tables; 0 before the first."""
        row = self._connection.execute("SELECT done_batch_no FROM derive_position").fetchone()
        return int(row[0]) if row else 0

    def load_inputs(self, parameters: dict[str, Any], events: int, *sources: str) -> None:
        """Fill ``new_events`` by the statements ``sources``, and all other inputs from it.

        ``events`` is about how many there are. With ``done`` below zero there is no earlier state.
        """
        many = events >= _ANALYZE_FROM
        self._execute_all((*sources, *_FROM_EVENTS), parameters)
        if many:
            self._connection.execute("ANALYZE new_events, active_day, learner_minute")
        if parameters["done"] >= 0:
            self._execute_all(_FROM_STATE, parameters)
            if many:
                self._connection.execute(
                    "ANALYZE session_before, neighbours, day_before, item_before"
                )
        self._execute_all(_SESSIONS, parameters)

    def empty(self) -> None:
        """Empty the inputs and the jobs' scratch tables, for another round in one transaction."""
        self._connection.execute(f"TRUNCATE {', '.join(self._temporary)}".encode())

    def run(self, jobs: Iterable[Derived], parameters: dict[str, Any]) -> None:
        """Run the jobs' statements over the inputs."""
        for job in jobs:
            for statement in job.statements():
                self._connection.execute(statement.encode(), _given(statement, parameters))

    def refresh_due(self, most: int = 200) -> int:
        """Refresh what is due, at most ``most`` keys of each job; returns how many keys it were."""
        refreshed = 0
        for job in catalogue().values():
            if job.due is None:
                continue
            with self._connection.transaction():
                self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
                taken = self._connection.execute(
                    f"WITH taken AS (DELETE FROM {job.due} WHERE ctid IN "
                    f"(SELECT ctid FROM {job.due} LIMIT %s) RETURNING *) "
                    "INSERT INTO due SELECT * FROM taken".encode(),
                    (most,),
                ).rowcount
                if taken:
                    self.run([job], self.parameters(0, 0))
                    refreshed += taken
        return refreshed

    def parameters(self, done: int, upto: int) -> dict[str, Any]:
        """What the statements may name."""
        return {
            "done": done,
            "upto": upto,
            "gap": f"{self.settings.session_gap_minutes} minutes",
            "window": f"{self.settings.feedback_window_days} days",
        }

    def _execute_all(self, names: Iterable[str], parameters: dict[str, Any]) -> None:
        for name in names:
            self._execute(name, parameters)

    def _execute(self, name: str, parameters: dict[str, Any]) -> None:
        statement = self._statements[name]
        self._connection.execute(statement.encode(), _given(statement, parameters))


def _given(statement: str, parameters: dict[str, Any]) -> dict[str, Any] | None:
    """The parameters a statement names; None where it has none, so that % is itself in it."""
    return {name: value for name, value in parameters.items() if f"%({name})s" in statement} or None
