"""Submit, cancel and restore the jobs so that the totals are right whatever happens.

The wanted jobs run as one application. It starts from its newest completed checkpoint or savepoint,
in which each job finds its own state. A job that cannot go on from there is refused alone, before
anything is stopped, and the others run: it is new, its tables are made by other statements than
their rows were, or it did not run when the others went on. ``submit`` by its name counts it from
the archive (``pipelines.rebuild``) and starts it, without state, beside the others. Without any
state each job starts where its partial sums begin (``pipelines.start``): sinks are upserts, so the
rows end the same. Where Kafka no longer reaches back so far, that job is counted from the archive.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from psycopg import Connection

from contracts.errors import LearnstreamError, Misconfigured, Retryable
from pipelines import application, cluster, plan, rebuild, record, start
from pipelines.job import Job
from pipelines.rebuild import Recount
from pipelines.record import Record, exclusive, read
from stack.flink import FlinkSettings
from stack.kafka import create_topics

__all__ = ["Record", "cancel", "exclusive", "read", "recount", "restore", "submit"]

log = logging.getLogger("pipelines.operation")


@dataclass(slots=True)
class Turn:
    """One submission: what is recorded, who may be counted from the archive, and why others not.

    ``counts``: jobs that are counted if they cannot go on; ``again``: jobs that are counted in any
    case. ``refused`` has a reason by job.
    """

    connection: Connection[Any]
    now: Record
    counts: Collection[str] = ()
    again: Collection[str] = ()
    since: datetime | None = None
    refused: dict[str, str] = field(default_factory=dict)


def submit(names: Sequence[str] = ()) -> str:
    """Want these jobs too (no names: all jobs), and run what is wanted; returns a sentence.

    Of these jobs, those that cannot go on are counted from the archive. Raises as ``restore``.
    """
    with exclusive() as connection:
        before = read(connection)
        if not names or before.wanted is None:
            wanted = None
        else:
            wanted = tuple(dict.fromkeys((*before.wanted, *names)))
        if before.wanted is None and names and before.job_id is None and not before.jobs:
            wanted = tuple(names)
        now = replace(before, wanted=wanted)
        return _run(Turn(connection, now, names or [job.name for job in now.wants()]))


def cancel(names: Sequence[str] = ()) -> str:
    """Want these jobs no longer (no names: none), and run the rest; returns a sentence.

    Their rows stay. A job that is wanted again after others went on is counted from the archive.
    """
    with exclusive() as connection:
        before = read(connection)
        left = [job.name for job in before.wants() if names and job.name not in names]
        return _run(Turn(connection, replace(before, wanted=tuple(left))))


def restore() -> str:
    """Run what is wanted after the cluster forgot it; returns a sentence.

    Raises ``Misconfigured`` where jobs are wanted and none of them can go on.
    """
    with exclusive() as connection:
        return _run(Turn(connection, read(connection)))


def recount(names: Sequence[str], since: datetime | None = None) -> str:
    """Count these jobs from the archive while all run, with ``since`` buckets from then on.

    One that was not wanted is wanted from then on. Returns a sentence. Raises ``Retryable`` where
    the archive does not catch up or Flink fails: the rows are as they were, and what ran runs on.
    """
    with exclusive() as connection:
        now = read(connection)
        if now.wanted is not None:
            now = replace(now, wanted=tuple(dict.fromkeys((*now.wanted, *names))))
        return _run(Turn(connection, now, again=names, since=since))


def _run(turn: Turn) -> str:
    now, jobs = turn.now, turn.now.wants()
    alive = cluster.running(application.NAME)
    if not jobs:
        if alive:
            turn.now = _stopped(turn, alive.job_id)
        record.write(turn.connection, turn.now)
        return f"stopped at {turn.now.begun_from or 'no savepoint'}" if alive else "no job runs"
    create_topics()
    ours = alive is not None and alive.job_id == now.job_id
    has_state = now.states is not None and (ours or _newest(now) is not None)
    starts = start.current(turn.connection)
    able, count = _sorted(turn, jobs, starts, has_state)
    if ours and able and not count and _runs_as_it_should(turn, able, starts):
        record.write(turn.connection, now)
        return f"already running: {_names(able)} (job {now.job_id}){_refusals(turn)}"
    made = None
    if has_state:
        able, made = _fitting(turn, able, count, starts)
    if not able and not count:
        raise Misconfigured(
            f"no job can go on, and nothing was stopped{_refusals(turn)}",
            jobs=list(turn.refused),
        )
    if count:
        _count(turn, count, lambda: _stop_if_running(turn))
        starts = start.current(turn.connection)
    jobs = [job for job in jobs if job in able or job in count]
    if made and count:
        made = application.compiled(jobs, starts)
    ready = application.ready(jobs, starts, made) if made else None
    _stop_if_running(turn)
    begin = _newest(turn.now) if ready else None
    if ready is None or begin is None or not _restored(turn, jobs, starts, ready, begin):
        begin = None
        _begin(turn, jobs)
    where = begin or (
        "where the archive's count ended"
        if any(one.offsets for one in start.current(turn.connection).values())
        else "the beginning of the topics"
    )
    return f"running: {_names(jobs)} (job {turn.now.job_id}, from {where}){_refusals(turn)}"


def _sorted(
    turn: Turn, jobs: Sequence[Job], starts: Mapping[str, start.Start], has_state: bool
) -> tuple[list[Job], list[Job]]:
    """The jobs that can go on, and those that are counted from the archive; others are refused."""
    able: list[Job] = []
    count: list[Job] = []
    for job in jobs:
        reason = _hindrance(turn.now, job, starts.get(job.name), has_state)
        if job.name in turn.again or (reason and job.name in turn.counts):
            count.append(job)
        elif reason:
            turn.refused[job.name] = reason
        else:
            able.append(job)
    return able, count


def _hindrance(now: Record, job: Job, begun: start.Start | None, has_state: bool) -> str | None:
    """Why the job cannot go on with the rows that it has; None where it can."""
    if begun is None:
        return "it is new here: it would lack what was counted before" if has_state else None
    if differences := begun.differences(application.digests(job)):
        return "; ".join(differences)
    ran = now.jobs.get(job.name, {}).get("generation") == begun.generation
    if has_state and not (ran or begun.fresh):
        return "it did not run when the others went on: it would lack what came meanwhile"
    return None


def _fitting(
    turn: Turn, able: Sequence[Job], count: Sequence[Job], starts: Mapping[str, start.Start]
) -> tuple[list[Job], plan.Plan | None]:
    """The jobs that find their state in the plan of all, and that plan, which is provisional where
    jobs are to be counted; the others are refused, or to count.

    Raises ``Misconfigured`` where a job that is to be counted would cost another one its state.
    """
    fits, known = list(able), turn.now.states or {}
    while fits or count:
        # Provisional: a job that is counted will have another generation than any has now.
        last = max((one.generation for one in starts.values()), default=-1)
        new = {job.name: start.Start(last + n, fresh=True) for n, job in enumerate(count, 1)}
        made = application.compiled([*fits, *count], {**starts, **new})
        found = {
            job.name: reasons
            for job in fits
            if (reasons := plan.differences(known, made, job.name, starts[job.name].fresh))
        }
        if not found:
            return fits, made
        if count:
            raise Misconfigured(
                f"{_names(count)} would cost others their state: {found}. Nothing was stopped",
                jobs=[job.name for job in count],
            )
        turn.refused |= {name: "; ".join(reasons) for name, reasons in found.items()}
        fits = [job for job in fits if job.name not in found]
    return [], None


def _runs_as_it_should(turn: Turn, able: Sequence[Job], starts: Mapping[str, start.Start]) -> bool:
    """Whether all that differs is what a refused job still runs as it was."""
    ran = {name: facts["fingerprint"] for name, facts in turn.now.jobs.items()}
    wanted = {
        job.name: application.fingerprint(job, starts[job.name])
        for job in able
        if job.name in starts
    }
    others = {name: ran[name] for name in turn.refused if name in ran}
    return len(wanted) == len(able) and ran == {**others, **wanted}


def _count(turn: Turn, jobs: Sequence[Job], stop: Callable[[], None]) -> None:
    """Count the jobs from the archive; on failure what ran before runs on."""
    try:
        rebuild.count(
            Recount(turn.connection, jobs, turn.since),
            stop,
            lambda connection: record.write(connection, turn.now),
        )
    except LearnstreamError:
        if turn.now.job_id is None and turn.now.jobs:
            left = tuple(turn.now.jobs)
            log.warning("not counted: %s run on as before", ", ".join(left))
            with contextlib.suppress(Misconfigured):
                _run(Turn(turn.connection, turn.now))
        raise


def _stop_if_running(turn: Turn) -> None:
    if alive := cluster.running(application.NAME):
        turn.now = _stopped(turn, alive.job_id)
        record.write(turn.connection, turn.now)


def _restored(
    turn: Turn,
    jobs: Sequence[Job],
    starts: Mapping[str, start.Start],
    ready: application.Ready,
    begin: str,
) -> bool:
    """Start the jobs from the state ``begin``; False where Flink cannot."""
    _submit(turn, jobs, starts, ready, begin)
    try:
        cluster.wait_until_running(turn.now.job_id or "")
    except Retryable:
        return True  # Flink keeps trying: Kafka or Postgres may be starting
    except LearnstreamError as error:
        log.warning("cannot start from %s, counting again: %s", begin, error.message)
        return False
    return True


def _begin(turn: Turn, jobs: Sequence[Job]) -> None:
    """Start the jobs without a state, each where its partial sums begin."""
    starts = start.current(turn.connection)
    gone = []
    for job in jobs:
        begun = starts.get(job.name, start.Start())
        if place := start.expired(begun, [topic.name for topic in job.reads]):
            log.warning("Kafka no longer has the beginning of %s: counting the archive", place)
            gone.append(job)
        elif job.name not in starts:
            start.record(turn.connection, job.name, {}, application.digests(job))
    if gone:
        rebuild.count(Recount(turn.connection, gone))
    starts = start.current(turn.connection)
    ready = application.ready(jobs, starts, application.compiled(jobs, starts))
    _submit(turn, jobs, starts, ready, None)
    with contextlib.suppress(Retryable):
        cluster.wait_until_running(turn.now.job_id or "")


def _submit(
    turn: Turn,
    jobs: Sequence[Job],
    starts: Mapping[str, start.Start],
    ready: application.Ready,
    begin: str | None,
) -> None:
    """Record what is submitted, then submit it: whoever is killed in between knows its id."""
    turn.now = Record(
        turn.now.wanted,
        secrets.token_hex(16),
        begin,
        jobs={
            job.name: {
                "generation": starts[job.name].generation,
                "fingerprint": application.fingerprint(job, starts[job.name]),
            }
            for job in jobs
        },
        states=ready.plan.states,
    )
    with turn.connection.transaction():
        record.write(turn.connection, turn.now)
        start.submitted(turn.connection, {job.name: application.digests(job) for job in jobs})
    application.submit(ready, begin, turn.now.job_id or "")


def _stopped(turn: Turn, job_id: str) -> Record:
    begun_from = _end(job_id)
    if job_id != turn.now.job_id:
        return turn.now  # nobody knows what that state has counted
    return replace(turn.now, begun_from=begun_from, job_id=None, stopped_at=datetime.now(UTC))


def _end(job_id: str) -> str | None:
    """Stop at a savepoint; where none can be taken, cancel: the newest checkpoint is as good."""
    try:
        return cluster.stop_with_savepoint(job_id, f"{FlinkSettings().checkpoint_dir}/savepoints")
    except Retryable:
        newest = cluster.newest_checkpoint(job_id)
        cluster.cancel(job_id)
        return newest


def _newest(now: Record) -> str | None:
    """The newest completed checkpoint of the last run, else the state it started from.

    None too where it is so old that Flink would have expired some of it.
    """
    found = now.begun_from
    if now.job_id:
        found = cluster.newest_checkpoint(now.job_id) or _on_disk(now.job_id) or found
    return found if found and _exists(found) and not _expired(found, now.stopped_at) else None


def _expired(path: str, stopped_at: datetime | None) -> bool:
    local = _local(path)
    taken_at = stopped_at.timestamp() if stopped_at else None
    if local is not None:
        taken_at = (local / "_metadata").stat().st_mtime
    settings = FlinkSettings()
    kept_s = settings.state_ttl_h * 3600 - settings.part_s
    return taken_at is not None and time.time() - taken_at > kept_s


def _on_disk(job_id: str) -> str | None:
    """The newest checkpoint on disk: a new JobManager does not know its predecessor's."""
    folder = _local(FlinkSettings().checkpoint_dir)
    if folder is None:
        return None
    complete = (folder / job_id).glob("chk-*/_metadata")
    newest = max(complete, key=lambda path: int(path.parent.name[4:]), default=None)
    return newest.parent.as_uri() if newest else None


def _exists(path: str) -> bool:
    local = _local(path)
    return local is None or (local / "_metadata").exists()


def _local(uri: str) -> Path | None:
    parsed = urlparse(uri)
    return Path(parsed.path) if parsed.scheme in ("", "file") else None


def _names(jobs: Sequence[Job]) -> str:
    return ", ".join(job.name for job in jobs)


def _refusals(turn: Turn) -> str:
    if not turn.refused:
        return ""
    each = "; ".join(f"{name} ({reason})" for name, reason in turn.refused.items())
    return (
        f"; refused: {each}. Their rows stay as they are; count them from the archive: "
        f"./learnstream jobs submit {' '.join(turn.refused)}"
    )
