"""Make what the processes need: Kafka's principals, topics, tables."""

from __future__ import annotations

import argparse
import sys

from stack import cli, kafka_access
from stack.kafka import create_topics

GROUP = "operate"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--passwords", action="store_true", help="give every principal its password of now"
    )


def run(args: argparse.Namespace) -> int:
    kafka_access.ensure(renew=args.passwords)
    created = create_topics()
    sys.stdout.write(f"topics created: {', '.join(created)}\n" if created else "topics are there\n")
    return cli.call("migrate") or cli.call("prepare") or cli.call("register")
