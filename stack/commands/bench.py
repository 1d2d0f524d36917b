"""Run a benchmark of bench/ and print its figures; without a name, list them."""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import sys

from rich.console import Console
from rich.table import Table

from contracts.errors import Rejected
from stack.profile import REPOSITORY

GROUP = "develop"
BENCHMARKS = REPOSITORY / "bench"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="a benchmark; none lists them")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")


def run(args: argparse.Namespace) -> int:
    names = sorted(p.stem.strip("_") for p in BENCHMARKS.glob("*.py") if p.stem != "__init__")
    if args.name is None:
        for name in names:
            sys.stdout.write(f"{name}: {_question(name)}\n")
        return 0
    if args.name not in names:
        raise Rejected(f"there is no benchmark {args.name!r}; there are {', '.join(names)}")
    figures = importlib.import_module(f"bench.{_module(args.name)}").run()
    if args.json:
        sys.stdout.write(json.dumps({"bench": args.name, **figures}) + "\n")
        return 0
    table = Table(title=f"bench {args.name}", caption=_question(args.name))
    table.add_column("figure")
    table.add_column("value", justify="right")
    for key, value in figures.items():
        table.add_row(key, f"{value:,.2f}" if isinstance(value, float) else f"{value}")
    Console().print(table)
    return 0


def _module(name: str) -> str:
    return name if (BENCHMARKS / f"{name}.py").exists() else f"{name}_"


def _question(name: str) -> str:
    source = (BENCHMARKS / f"{_module(name)}.py").read_text(encoding="utf-8")
    doc = ast.get_docstring(ast.parse(source)) or ""
    return doc.splitlines()[0] if doc else ""
