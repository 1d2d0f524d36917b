"""Bring everything up, run real history and a live hour through it, show the result.

A second run is quick: what is installed, imported, trained and studied stays as it is.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from rich.console import Console

from contracts.errors import Retryable
from stack import cli
from stack.local import tour
from stack.profile import REPOSITORY, profile

GROUP = "start"
SAMPLE = REPOSITORY / "data" / "oulad-sample"

_CAUGHT_UP = "Waiting until every event has arrived everywhere"
_TRAINED = "Training the first recommender"
_ONCE = (_CAUGHT_UP, _TRAINED)
"""A model is trained on the whole archive, which follows the import, and only in the first demo."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--oulad",
        type=Path,
        default=SAMPLE,
        metavar="PATH",
        help="folder or zip of OULAD files (default: the sample in the repository)",
    )
    parser.add_argument(
        "--speed", type=float, default=180.0, help="of the live hour, times as fast as life (180)"
    )


def run(args: argparse.Namespace) -> int:
    console = Console()
    started = time.monotonic()
    # Everything that serving reads is compared: a demo has few readers.
    os.environ.setdefault("LMS_FEATURES_SKEW_RATE", "1")
    history = ("oulad", str(args.oulad), "--hold-back-days", "1")
    steps: list[tuple[str, tuple[str, ...]]] = [
        ("Starting the servers and processes", ("up",)),
        ("Starting the Flink jobs", ("jobs", "submit")),
        ("Importing real learners and their history", ("import", *history)),
        ("Importing the open catalogue and its invented people", ("import", "catalogue")),
        ("Replaying the last day over HTTP", ("replay",)),
        (_CAUGHT_UP, ("verify", "--idle", "--wait", "180")),
        (_TRAINED, ("train", "recommender")),
        ("A live hour in fast motion", ("study", "--speed", str(args.speed))),
    ]
    seconds: dict[str, float] = {}
    for sentence, command in steps:
        if sentence in _ONCE and tour.is_trained():
            continue
        console.rule(f"[bold]{sentence}", align="left")
        began = time.monotonic()
        if status := cli.call(*command):
            raise Retryable(f"`learnstream {' '.join(command)}` ended with {status}: run it again")
        seconds[sentence] = time.monotonic() - began
        if command == ("up",):
            profile().demo_mark.touch()
    console.rule("[bold]One learner studies, and the recommendations change", align="left")
    tour.show_changed_recommendations(console)
    console.rule("[bold]Comparing source, LMS, Kafka and TimescaleDB", align="left")
    began = time.monotonic()
    status = cli.call("verify", "--wait", "180")
    seconds["Comparing source, LMS, Kafka and TimescaleDB"] = time.monotonic() - began
    console.rule("[bold]Comparing the features that were served with the archive", align="left")
    skewed = cli.call("skew")
    tour.show_summary(console, seconds, time.monotonic() - started, equal=status == 0)
    return status or skewed
