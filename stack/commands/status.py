"""Show what runs: state, address, pid, version, uptime, memory, restarts."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from stack.local.report import ComponentStatus, statuses
from stack.profile import profile

GROUP = "start"
_COLOURS = {"ready": "green", "alive": "yellow", "dead": "red"}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object for machines")


def run(args: argparse.Namespace) -> int:
    """0 when every wanted component is ready, 1 when one is not, 3 when nothing is wanted."""
    found = statuses()
    if args.json:
        sys.stdout.write(
            json.dumps(
                {
                    "profile": profile().name,
                    "run": str(profile().run),
                    "components": {one.name: asdict(one) for one in found},
                }
            )
            + "\n"
        )
    else:
        _show(found)
    wanted = [one.state for one in found if one.state != "stopped"]
    if not wanted:
        return 3
    return 0 if all(state == "ready" for state in wanted) else 1


def _show(found: list[ComponentStatus]) -> None:
    table = Table(title=f"profile {profile().name} in {profile().run}", title_justify="left")
    headings = "component", "state", "address", "pid", "version", "up for", "memory", "restarts"
    for heading in headings:
        right = heading in ("pid", "up for", "memory", "restarts")
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    for one in found:
        colour = _COLOURS.get(one.state, "dim")
        table.add_row(
            one.name,
            f"[{colour}]{one.state}[/{colour}]",
            one.address,
            str(one.pid or ""),
            one.version,
            _duration(one.uptime_s),
            "" if one.memory_mb is None else f"{one.memory_mb:,} MB",
            str(one.restarts or ""),
        )
    total = sum(one.memory_mb or 0 for one in found)
    table.caption = f"{total:,} MB in all"
    # Wide enough for every address: a table that is cut off in a pipe helps nobody.
    console = Console()
    Console(width=max(console.width, 140)).print(table)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
