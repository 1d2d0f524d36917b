"""Submit, cancel and restore the jobs so that whatever happens the totals end right.

The wanted jobs run as one application. It begins at its newest completed checkpoint or savepoint
where the plan is still the same, else at the beginning of the topics: events are kept, sinks are
upserts, so either way ends with the same rows. What is wanted, and what ran last, is remembered in
``jobs.json`` of the profile's run folder, for a standalone JobManager forgets its jobs.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlparse

from contracts.errors import LearnstreamError, Retryable
from pipelines import application, cluster, schema
from pipelines.job import Job, catalogue
from stack.flink import FlinkSettings
from stack.kafka import create_topics
from stack.profile import profile


@dataclass(frozen=True, slots=True)
class Memory:
    """``wanted`` None means every job there is; ``begun_from`` is what ``job_id`` began at."""

    wanted: tuple[str, ...] | None = None
    job_id: str | None = None
    fingerprint: str | None = None
    begun_from: str | None = None

    def jobs(self) -> list[Job]:
        known = catalogue()
        return [known[name] for name in known if self.wanted is None or name in self.wanted]


def memory() -> Memory:
    path = profile().run / "jobs.json"
    if not path.exists():
        return Memory()
    found = json.loads(path.read_text())
    wanted = found.pop("wanted")
    return Memory(wanted=None if wanted is None else tuple(wanted), **found)


def _remember(new: Memory) -> None:
    path = profile().run / "jobs.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(asdict(new), indent=2) + "\n")
    draft.replace(path)


@contextmanager
def _alone() -> Iterator[None]:
    """One submission at a time on this machine: two would be two applications."""
    path = profile().run / "jobs.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def submit(names: Sequence[str] = ()) -> str:
    """Want these jobs too (no names: all jobs), and run what is wanted; returns a sentence."""
    with _alone():
        before = memory()
        if not names or before.wanted is None:
            wanted = None
        else:
            wanted = tuple(dict.fromkeys((*before.wanted, *names)))
        if before.wanted is None and names and before.job_id is None:
            wanted = tuple(names)
        return _run(replace(before, wanted=wanted))


def cancel(names: Sequence[str] = ()) -> str:
    """Want these jobs no longer (no names: none), and run what is left; returns a sentence."""
    with _alone():
        before = memory()
        left = [job.name for job in before.jobs() if names and job.name not in names]
        return _run(replace(before, wanted=tuple(left)))


def restore() -> str:
    """Run what is wanted after the cluster forgot it; returns a sentence."""
    with _alone():
        return _run(memory())


def _run(now: Memory) -> str:
    jobs = now.jobs()
    fingerprint = application.fingerprint(jobs)
    alive = cluster.running(application.NAME)
    if alive and jobs and fingerprint == now.fingerprint and alive.job_id == now.job_id:
        _remember(now)
        return f"already running: {_names(jobs)} (job {alive.job_id})"
    if alive:
        now = replace(now, begun_from=_end(alive.job_id), job_id=None)
    if not jobs:
        _remember(now)
        return "no job runs" if not alive else f"stopped at {now.begun_from or 'no savepoint'}"
    create_topics()
    schema.prepare()
    begin = _newest(now) if fingerprint == now.fingerprint else None
    job_id, begin = _start(jobs, begin)
    _remember(replace(now, job_id=job_id, fingerprint=fingerprint, begun_from=begin))
    return f"running: {_names(jobs)} (job {job_id}, from {begin or 'the beginning of the topics'})"


def _start(jobs: Sequence[Job], begin: str | None) -> tuple[str, str | None]:
    """Job id and where it began: ``begin``, or nowhere where Flink cannot begin there."""
    job_id = application.submit(jobs, begin)
    try:
        cluster.wait_until_running(job_id)
    except Retryable:
        # It is there and tries on by itself: Kafka or Postgres may be on their way.
        return job_id, begin
    except LearnstreamError:
        if begin is None:
            raise
        job_id = application.submit(jobs, None)
        cluster.wait_until_running(job_id)
        return job_id, None
    return job_id, begin


def _end(job_id: str) -> str | None:
    """Stop at a savepoint; where none can be taken, cancel: the newest checkpoint is as good."""
    try:
        return cluster.stop_with_savepoint(job_id, f"{FlinkSettings().checkpoint_dir}/savepoints")
    except Retryable:
        newest = cluster.newest_checkpoint(job_id)
        cluster.cancel(job_id)
        return newest


def _newest(now: Memory) -> str | None:
    """The newest completed checkpoint of the last run, else what that run itself began at."""
    if now.job_id:
        found = cluster.newest_checkpoint(now.job_id) or _on_disk(now.job_id)
        if found and _exists(found):
            return found
    return now.begun_from if now.begun_from and _exists(now.begun_from) else None


def _on_disk(job_id: str) -> str | None:
    """A new JobManager remembers nothing: look where its predecessor wrote."""
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
