"""Print the end of a log, or follow it."""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque
from pathlib import Path

from contracts.errors import Rejected
from stack.local.catalogue import COMPONENTS
from stack.local.stack import SUPERVISOR
from stack.profile import profile

GROUP = "start"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("component", choices=[*COMPONENTS, SUPERVISOR])
    parser.add_argument("-n", "--lines", type=int, default=50, help="how many (default 50)")
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what is written")


def run(args: argparse.Namespace) -> int | None:
    component = COMPONENTS.get(args.component)
    log = component.log_path if component else profile().run / "logs" / f"{SUPERVISOR}.log"
    if not log.exists():
        raise Rejected(f"{args.component} has written no log yet: start it with `learnstream up`")
    with log.open(encoding="utf-8", errors="replace") as file:
        sys.stdout.writelines(deque(file, maxlen=max(0, args.lines)))
        sys.stdout.flush()
        while args.follow:
            line = file.readline()
            if line:
                sys.stdout.write(line)
                sys.stdout.flush()
            elif _was_truncated(log, file.tell()):
                file.seek(0)
            else:
                time.sleep(0.2)
    return 0


def _was_truncated(log: Path, position: int) -> bool:
    return log.exists() and log.stat().st_size < position
