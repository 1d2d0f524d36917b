"""List, submit, cancel or explain the Flink jobs.

All wanted jobs run as one Flink application, so that a topic is read and parsed once for all of
them. `submit` goes on from the newest state; a job of those named that is new or changed is first
counted from the archive while the others run, and they keep their state. Without a name it means
every job. `cancel` wants names or --all; the rows stay. `restore` runs what should be running after
a JobManager was started anew, and does nothing where it runs already; a job that is new or changed
it leaves out, with the reason.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import closing

from pipelines import application, cluster, operation
from pipelines.job import catalogue, find
from pipelines.monitor.readings import Monitor, labelled

GROUP = "pipelines"


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="every job, what it reads and writes, whether it runs")
    for name, about in (
        ("submit", "run jobs, from their newest checkpoint; new and changed ones from the archive"),
        ("cancel", "stop jobs at a savepoint"),
        ("explain", "Flink's plan"),
    ):
        action = actions.add_parser(name, help=about)
        action.add_argument("names", nargs="*", metavar="NAME")
        if name == "cancel":
            action.add_argument("--all", action="store_true", help="every job")
    status = actions.add_parser("status", help="the running application and its checkpoints")
    status.add_argument("--json", action="store_true", help="one JSON object")
    actions.add_parser("restore", help="run what should be running after a restart of the cluster")


def run(args: argparse.Namespace) -> int:
    names = [find(name).name for name in getattr(args, "names", ())]
    if args.action == "list":
        return _list()
    if args.action == "status":
        return _status(args.json)
    if args.action == "explain":
        jobs = catalogue()
        print(application.explain([jobs[name] for name in names or jobs]))
    elif args.action == "submit":
        print(operation.submit(names))
    elif args.action == "cancel":
        return _cancel(names, args.all)
    else:
        print(operation.restore())
    return 0


def _cancel(names: list[str], everything: bool) -> int:
    if bool(names) == everything:
        sys.stderr.write("learnstream jobs cancel: name jobs, or say --all\n")
        return 2
    print(operation.cancel(names))
    again = " ".join(["./learnstream jobs submit", *names])
    print(f"to run it again: {again}")
    return 0


def _list() -> int:
    alive = cluster.running(application.NAME)
    known = operation.read()
    wanted = {job.name for job in known.wants()}
    for job in catalogue().values():
        runs = alive is not None and job.name in known.jobs
        state = alive.state if alive and runs else "not running"
        if job.name not in wanted:
            state = "not wanted"
        reads = ", ".join(topic.name for topic in job.reads)
        writes = ", ".join(sink.table for sink in job.writes)
        sys.stdout.write(f"{job.name}  {state}\n  {job.about}\n  {reads} → {writes}\n")
    return 0


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {number:,.10g}" for name, number in value.items()) or "none"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _status(as_json: bool) -> int:
    alive = cluster.running(application.NAME)
    facts: dict[str, object] = {"application": application.NAME, "state": "not running"}
    if alive:
        checkpoints = cluster.checkpoints(alive.job_id)
        counts = checkpoints.get("counts", {})
        newest = (checkpoints.get("latest") or {}).get("completed") or {}
        facts |= {
            "job_id": alive.job_id,
            "state": alive.state,
            "running_s": round(alive.running_s, 1),
            "jobs": list(operation.read().jobs),
            "checkpoints_completed": counts.get("completed", 0),
            "checkpoints_failed": counts.get("failed", 0),
            "newest_checkpoint": newest.get("external_path"),
            "newest_checkpoint_mb": round(newest.get("state_size", 0) / 1e6, 1),
            "last_failure": cluster.failure(alive.job_id),
        }
    with closing(Monitor()) as monitor:
        readings = monitor.take()
    facts["restarts"] = labelled(readings, "learnstream_job_restarts").get("all", 0)
    facts["checkpoint_age_s"] = labelled(readings, "learnstream_checkpoint_age_seconds").get("all")
    for name, fact in (
        ("learnstream_lag_messages", "lag_messages"),
        ("learnstream_event_delay_seconds", "event_delay_s"),
        ("learnstream_commit_to_row_seconds", "commit_to_row_s"),
        ("learnstream_heartbeat_age_seconds", "heartbeat_age_s"),
        ("learnstream_dead_letters", "dead_letters"),
        ("learnstream_late_events", "late_events_of_two_hours"),
    ):
        facts[fact] = labelled(readings, name)
    if as_json:
        print(json.dumps(facts))
    else:
        for name, value in facts.items():
            print(f"{name}: {_text(value)}")
    return 0 if alive else 1
