"""Make what the processes need: Kafka topics and database tables; changes nothing twice."""

from __future__ import annotations

import argparse
import sys

from stack import cli
from stack.kafka import create_topics


def configure(parser: argparse.ArgumentParser) -> None:
    """No options."""


def run(args: argparse.Namespace) -> int:
    created = create_topics()
    sys.stdout.write(f"topics created: {', '.join(created)}\n" if created else "topics are there\n")
    return cli.call("migrate") or cli.call("prepare") or cli.call("register")
