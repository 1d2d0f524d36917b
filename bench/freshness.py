"""How long from a commit in the LMS's database until the row can be read in TimescaleDB?

Writes ``PER_S`` events a second, each one transaction with its outbox row, into an empty profile
that is up with its jobs, for ``SECONDS``. ``commit_to_row`` is each event's way into the archive:
from the return of its COMMIT to the commit of its row (``track_commit_timestamp``), by one clock.
``commit_to_minute`` and ``commit_to_learner_tile`` are the ways into tables of Flink's jobs,
``commit_to_session`` that into a derived one, ``commit_to_live`` that into Redis' live counters:
until a reader, polling every 50 ms, finds a sum that holds the event. ``minute_to_live`` is how
much later than the table of the same sums the counters have it. ``load`` is the machine's load
average.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.spine import must_be_empty
from contracts import live
from contracts.envelope import wrap
from contracts.errors import LearnstreamError, Misconfigured
from contracts.events.content import ContentViewed
from contracts.ids import new_id
from core_lms.outbox import APPEND, rows
from stack.postgres import connect_analytics, connect_lms
from stack.redis import client

PER_S = int(os.environ.get("LMS_BENCH_PER_S", "1000"))
SECONDS = int(os.environ.get("LMS_BENCH_SECONDS", "60"))
WARM_UP_S = 10
WRITERS = 8
LEARNERS, COURSES, ITEMS = 500, 10, 200
POLL_EVERY_S = 0.05
DEADLINE_S = 60.0

ARCHIVED = """
SELECT event_id::text, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8
FROM activity_events WHERE institution_id = %s
"""
SUMS = {
    "minute": "SELECT coalesce(sum(events), 0)::int FROM course_activity_minute "
    "WHERE institution_id = %s",
    "learner_tile": "SELECT coalesce(sum(events), 0)::int FROM learner_tiles "
    "WHERE institution_id = %s",
    "session": "SELECT coalesce(sum(events), 0)::int FROM sessions WHERE institution_id = %s",
}


def run() -> dict[str, float | int | str]:
    must_be_empty()
    with connect_analytics() as connection:
        if connection.execute("SHOW track_commit_timestamp").fetchone() != ("on",):
            raise Misconfigured(
                "PostgreSQL does not keep commit times: track_commit_timestamp = on"
            )
    made, total = Made(), PER_S * (SECONDS + WARM_UP_S)
    watches = {name: Watch(_rows(sql, made.institution_id), total) for name, sql in SUMS.items()}
    watches["live"] = Watch(_counters(made.institution_id), total)
    for watch in watches.values():
        watch.start()
    commits = write(made, total)
    for watch in watches.values():
        watch.join(DEADLINE_S)
    archived = _archived(made.institution_id, total)
    warm = PER_S * WARM_UP_S
    in_order = sorted(commits, key=lambda commit: commit[1])
    first, last = in_order[warm][1], in_order[-1][1]
    figures: dict[str, float | int | str] = {
        "load": round(os.getloadavg()[0], 1),
        "events": total - warm,
        "events_per_s": round((total - warm) / (last - first)),
        **figures_of("row", [archived[id_] - at for id_, at in in_order[warm:]]),
    }
    delays = {
        name: watch.delays([at for _, at in in_order])[warm:] for name, watch in watches.items()
    }
    for name, found in delays.items():
        figures |= figures_of(name, found)
    later = [
        max(0.0, counter - row)
        for counter, row in zip(delays["live"], delays["minute"], strict=True)
    ]
    return figures | figures_of("live", later, since="minute")


def figures_of(name: str, delays_s: Sequence[float], since: str = "commit") -> dict[str, float]:
    """p50, p99 and the longest of these delays, in milliseconds."""
    cuts = statistics.quantiles(delays_s, n=100)
    return {
        f"{since}_to_{name}_p50_ms": round(cuts[49] * 1000, 1),
        f"{since}_to_{name}_p99_ms": round(cuts[98] * 1000, 1),
        f"{since}_to_{name}_max_ms": round(max(delays_s) * 1000, 1),
    }


def _rows(sql: str, institution_id: str) -> Callable[[], int]:
    connection = connect_analytics(autocommit=True)

    def count() -> int:
        row = connection.execute(sql.encode(), [institution_id]).fetchone()
        return int(row[0]) if row else 0

    return count


def _counters(institution_id: str) -> Callable[[], int]:
    """Events of the institution's minutes since now, as the live counters have them."""
    redis, first = client(), int(time.time()) // 60 - 1

    def count() -> int:
        pipe = redis.pipeline(transaction=False)
        for minute in range(first, int(time.time()) // 60 + 1):
            pipe.hget(live.sums_key(institution_id, minute), live.ALL)
        return sum(int(value or 0) for value in pipe.execute())

    return count


@dataclass(frozen=True)
class Made:
    """A made-up institution and who studies what there."""

    institution_id: str = field(default_factory=new_id)
    learners: Sequence[str] = field(default_factory=lambda: _ids(LEARNERS))
    courses: Sequence[str] = field(default_factory=lambda: _ids(COURSES))
    items: Sequence[str] = field(default_factory=lambda: _ids(ITEMS))


def _ids(count: int) -> Sequence[str]:
    return [new_id() for _ in range(count)]


def write(made: Made, total: int) -> list[tuple[str, float]]:
    """``PER_S`` events a second, each one transaction; the n-th is of learner n, item n and course
    n, modulo how many there are. Of each its id and the wall clock when its COMMIT returned."""
    commits = [("", 0.0)] * total
    started = time.monotonic() + 0.5

    def work(number: int) -> None:
        with connect_lms(autocommit=True) as writer:
            for n in range(number, total, WRITERS):
                envelope = wrap(
                    ContentViewed(
                        user_id=made.learners[n % LEARNERS],
                        course_id=made.courses[n % COURSES],
                        item_id=made.items[n % ITEMS],
                        kind="page",
                    ),
                    institution_id=made.institution_id,
                    source_service="content-service",
                )
                ahead_s = started + n / PER_S - time.monotonic()
                if ahead_s > 0:
                    time.sleep(ahead_s)
                writer.execute(APPEND, rows(envelope))
                commits[n] = envelope.event_id, time.time()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return commits


def _archived(institution_id: str, total: int) -> dict[str, float]:
    deadline = time.monotonic() + DEADLINE_S
    with connect_analytics(autocommit=True) as connection:
        while True:
            found = connection.execute(ARCHIVED, [institution_id]).fetchall()
            if len(found) == total:
                return dict(found)
            if time.monotonic() > deadline:
                raise LearnstreamError(f"{len(found)} of {total} events arrived: is it all up?")
            time.sleep(0.5)


@dataclass
class Watch(threading.Thread):
    """Polls a sum until it reaches ``total``: when it first was at least n."""

    read: Callable[[], int]
    total: int
    found: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        deadline = time.monotonic() + SECONDS + WARM_UP_S + DEADLINE_S
        count = 0
        while count < self.total and time.monotonic() < deadline:
            count = self.read()
            self.found.append((time.time(), count))
            time.sleep(POLL_EVERY_S)

    def delays(self, commits: Sequence[float]) -> list[float]:
        """Of the n-th commit: until a poll that found n events or more."""
        found: list[float] = []
        polls = iter(self.found)
        at, count = next(polls, (0.0, -1))
        for number, commit in enumerate(commits, start=1):
            while count < number:
                try:
                    at, count = next(polls)
                except StopIteration:
                    raise LearnstreamError(
                        f"{len(found)} of {len(commits)} events were counted: do the jobs run?"
                    ) from None
            found.append(at - commit)
        return found
