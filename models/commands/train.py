"""Train a model, compare it with its baselines, promote it if it earns that.

Models are the folders of models/ that have a train.py. A model that does not beat popularity is
kept as a candidate and the live one stays.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from stack.arguments import moment

GROUP = "models"
_MODELS = sorted(
    path.parent.name
    for path in Path(__file__).parents[1].glob("*/train.py")
    if path != Path(__file__)
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", choices=_MODELS)
    parser.add_argument(
        "--until",
        type=moment,
        metavar="MOMENT",
        help="use events before this moment only (ISO 8601)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> None:
    report = _trained(args)
    if args.json:
        json.dump(report, sys.stdout)
        sys.stdout.write("\n")
    else:
        _show(report)


def _trained(args: argparse.Namespace) -> dict[str, Any]:
    train = importlib.import_module(f"models.{args.model}.train").train
    console = Console(stderr=True)
    with console.status(f"training the {args.model} from the archive"):
        report: dict[str, Any] = train(args.until)
    return report


def _show(report: dict[str, Any]) -> None:
    console = Console()
    names = list(report["metrics"]["model"])
    table = Table(
        title=f"{report['model']}: new items of the next {report['horizon_days']:g} days, "
        f"{report['test_learners']:,} learners after {report['cutoff']}"
    )
    table.add_column("ranking")
    for name in names:
        table.add_column(name, justify="right")
    for ranking, row in report["metrics"].items():
        table.add_row(ranking, *(f"{row[name]:.4f}" for name in names))
    console.print(table)
    console.print(
        f"learned from {report['events']:,} events of {report['learners']:,} learners on "
        f"{report['items']:,} items in {report['seconds']} s, up to {report['trained_until']}"
    )
    gate = report["gate"]
    console.print(
        f"version {report['version'][:12]} is live"
        if report["promote"]
        else f"version {report['version'][:12]} is kept as a candidate: its {gate['metric']} of "
        f"{gate['model']} does not beat popularity's {gate['popularity']}",
        highlight=False,
    )
