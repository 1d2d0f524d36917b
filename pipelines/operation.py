"""Submit, cancel and restore the jobs so that the totals are right whatever happens.

The wanted jobs run as one application. It starts from its newest completed checkpoint or savepoint;
a plan that is incompatible with that state is refused before anything is stopped. Without a state
it starts where its partial sums begin (``pipelines.start``): sinks are upserts, so the rows end the
same. Where Kafka no longer reaches back so far, the rows are first rebuilt from the archive, and it
starts where that ends. Which jobs are wanted, and what ran last, is kept in ``jobs.json`` of the
profile's run folder, because a standalone JobManager forgets its jobs.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from contracts.errors import LearnstreamError, Misconfigured, Retryable
from pipelines import application, cluster, plan, schema, start
from pipelines.job import Job, catalogue
from stack.flink import FlinkSettings
from stack.kafka import create_topics
from stack.profile import profile

log = logging.getLogger("pipelines.operation")


@dataclass(frozen=True, slots=True)
class Record:
    """``wanted`` None means every job there is; ``begun_from`` is what ``job_id`` began at.

    ``plan`` (``Plan.facts``) and ``generation`` (``pipelines.start``) are those of its state;
    ``stopped_at`` is when it was last stopped, in seconds since 1970.
    """

    wanted: tuple[str, ...] | None = None
    job_id: str | None = None
    fingerprint: str | None = None
    begun_from: str | None = None
    plan: Mapping[str, Any] | None = None
    generation: int = 0
    stopped_at: float | None = None

    def jobs(self) -> list[Job]:
        known = catalogue()
        return [known[name] for name in known if self.wanted is None or name in self.wanted]


def read() -> Record:
    path = profile().run / "jobs.json"
    if not path.exists():
        return Record()
    found = json.loads(path.read_text())
    wanted = found.pop("wanted")
    known = {field.name for field in fields(Record)}
    return Record(
        wanted=None if wanted is None else tuple(wanted),
        **{name: value for name, value in found.items() if name in known},
    )


def _write(new: Record) -> None:
    path = profile().run / "jobs.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(asdict(new), indent=2) + "\n")
    draft.replace(path)


@contextmanager
def exclusive() -> Iterator[None]:
    """One submission at a time on this machine: two would be two applications."""
    path = profile().run / "jobs.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def submit(names: Sequence[str] = ()) -> str:
    """Want these jobs too (no names: all jobs), and run what is wanted; returns a sentence."""
    with exclusive():
        before = read()
        if not names or before.wanted is None:
            wanted = None
        else:
            wanted = tuple(dict.fromkeys((*before.wanted, *names)))
        if before.wanted is None and names and before.job_id is None:
            wanted = tuple(names)
        return _run(replace(before, wanted=wanted))


def cancel(names: Sequence[str] = ()) -> str:
    """Want these jobs no longer (no names: none), and run the rest; returns a sentence."""
    with exclusive():
        before = read()
        left = [job.name for job in before.jobs() if names and job.name not in names]
        return _run(replace(before, wanted=tuple(left)))


def restore() -> str:
    """Run what is wanted after the cluster forgot it; returns a sentence."""
    with exclusive():
        return _run(read())


def _run(now: Record) -> str:
    jobs = now.jobs()
    alive = cluster.running(application.NAME)
    if not jobs:
        if alive:
            now = _stopped(now, alive.job_id)
        _write(now)
        return "no job runs" if not alive else f"stopped at {now.begun_from or 'no savepoint'}"
    create_topics()
    schema.prepare()
    begins = start.current()
    fingerprint = application.fingerprint(jobs, begins)
    if alive and fingerprint == now.fingerprint and alive.job_id == now.job_id:
        _write(now)
        return f"already running: {_names(jobs)} (job {alive.job_id})"
    made = application.compiled(jobs, begins)
    fits = now.plan is not None and now.generation == begins.generation
    if fits and now.plan is not None:
        refuse(jobs, plan.differences(now.plan, made))
    if alive:
        now = _stopped(now, alive.job_id)
    begin = _newest(now) if fits else None
    found = _restored(jobs, begins, made, begin) if begin else None
    if found is None:
        job_id, begin, begins, made = _begun(jobs, begins, made)
    else:
        job_id = found
    fingerprint = application.fingerprint(jobs, begins)
    _write(
        Record(now.wanted, job_id, fingerprint, begin, made.facts(), begins.generation),
    )
    where = begin or (
        "the end of the last rebuild" if begins.offsets else "the beginning of the topics"
    )
    return f"running: {_names(jobs)} (job {job_id}, from {where})"


def refuse(jobs: Sequence[Job], reasons: Sequence[str]) -> None:
    """Raises ``Misconfigured`` where there are ``reasons`` not to start from the last state."""
    if reasons:
        raise Misconfigured(
            f"{_names(jobs)} cannot start from the state of what ran before: {'; '.join(reasons)}. "
            "Nothing was stopped. Rebuild the rows (readers have the old ones meanwhile): "
            f"./learnstream rebuild {' '.join(job.name for job in jobs)} --from-archive",
            jobs=[job.name for job in jobs],
        )


def stop() -> bool:
    """Stop at a savepoint; whether anything ran. The caller holds ``exclusive``."""
    alive = cluster.running(application.NAME)
    if alive:
        _write(_stopped(read(), alive.job_id))
    return alive is not None


def resume() -> str:
    """Run what is wanted; returns a sentence. The caller holds ``exclusive``."""
    return _run(read())


def _restored(jobs: Sequence[Job], begins: start.Start, made: plan.Plan, begin: str) -> str | None:
    """Start the jobs from the state ``begin``; returns their id, None where Flink cannot."""
    job_id = application.submit(jobs, begins, made, begin)
    try:
        cluster.wait_until_running(job_id)
    except Retryable:
        return job_id  # Flink keeps trying: Kafka or Postgres may be starting
    except LearnstreamError as error:
        log.warning("cannot start from %s, counting again: %s", begin, error.message)
        return None
    return job_id


def _begun(
    jobs: Sequence[Job], begins: start.Start, made: plan.Plan
) -> tuple[str, None, start.Start, plan.Plan]:
    """Start the jobs without a state; returns their id, no state, the start and the plan."""
    topics = {topic.name for job in jobs for topic in job.reads}
    if gone := start.expired(begins, topics):
        from pipelines import rebuild  # which imports this module

        log.warning("Kafka no longer has the beginning of %s: counting the archive", gone)
        rebuild.count_again(jobs)
        begins = start.current()
        made = application.compiled(jobs, begins)
    job_id = application.submit(jobs, begins, made, None)
    with contextlib.suppress(Retryable):
        cluster.wait_until_running(job_id)
    return job_id, None, begins, made


def _stopped(now: Record, job_id: str) -> Record:
    return replace(now, begun_from=_end(job_id), job_id=None, stopped_at=time.time())


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


def _expired(path: str, stopped_at: float | None) -> bool:
    local = _local(path)
    taken_at = stopped_at if local is None else (local / "_metadata").stat().st_mtime
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
