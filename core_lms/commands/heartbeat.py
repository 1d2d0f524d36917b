"""Send a heartbeat through the outbox (called by the monitor).

The monitor calls it every few seconds; by hand it is only good for looking at the outbox.
"""

from __future__ import annotations

import argparse

from core_lms.outbox import heartbeat
from stack.arguments import identifier

GROUP = "internal"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "heartbeat_id", type=identifier, metavar="UUID", help="of version 7, later than the last"
    )


def run(args: argparse.Namespace) -> int | None:
    heartbeat.send(args.heartbeat_id)
    return None
