"""List messages that could not be read; repair, replay or discard them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from contracts.dead_letters import DeadLetter
from contracts.envelope import Envelope
from contracts.errors import Rejected
from pipelines.dead_letters import read
from pipelines.repair import Desk, change_of, repaired

GROUP = "pipelines"


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="those that wait for somebody, newest last")
    listing.add_argument("-n", type=int, default=50, help="at most this many, the newest")
    listing.add_argument("--all", action="store_true", help="also those that were resolved")
    listing.add_argument("--json", action="store_true", help="one JSON object per line")
    show = actions.add_parser("show", help="one of them, with the message as it was sent")
    show.add_argument("key", help="topic/partition/offset, as list prints it")
    replay = actions.add_parser("replay", help="publish them again, repaired")
    _choose(replay)
    replay.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", help="like payload.clicks=3"
    )
    replay.add_argument(
        "--merge", action="append", default=[], type=Path, help="a JSON Merge Patch in a file"
    )
    replay.add_argument("--with", dest="instead", type=Path, help="the whole message, in a file")
    replay.add_argument("--dry-run", action="store_true", help="say what would be published")
    discard = actions.add_parser("discard", help="resolve them without a message")
    _choose(discard)
    discard.add_argument("--why", required=True, help="kept beside the letter")


def _choose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("keys", nargs="*", help="topic/partition/offset, as list prints it")
    parser.add_argument("--reason", help="all open ones with this reason, like unknown_event")
    parser.add_argument(
        "--all", "--everything", dest="everything", action="store_true", help="all open ones"
    )


def run(args: argparse.Namespace) -> int:
    if args.action == "list":
        return _list(args.n, args.all, args.json)
    if args.action == "show":
        return _show(args.key)
    return _resolve(args)


def _list(limit: int, everything: bool, as_json: bool) -> int:
    mailbox = read()
    found = mailbox.all if everything else mailbox.open
    shown = found[-limit:]
    state = {key: r.resolution for key, r in mailbox.resolutions.items()}
    if as_json:
        for letter in shown:
            facts = letter.model_dump(mode="json")
            facts["state"] = state.get(letter.message_key, "open")
            sys.stdout.write(json.dumps(facts) + "\n")
        return 0
    if not found:
        sys.stdout.write(
            f"no dead letters wait; {len(state)} were resolved (--all)\n"
            if state
            else "no dead letters: every message could be read\n"
        )
        return 0
    table = Table(caption=f"{len(shown)} of {len(found)}")
    for column in ("message", "reason", "detail", "refused by", "at", "state"):
        table.add_column(column, overflow="fold")
    for letter in shown:
        at = letter.failed_at.isoformat(timespec="seconds")
        now = state.get(letter.message_key, "open")
        table.add_row(letter.message_key, letter.reason, letter.detail, letter.stage, at, now)
    Console().print(table)
    return 0


def _show(key: str) -> int:
    mailbox = read()
    letter = mailbox.find(key)
    facts = letter.model_dump(mode="json", exclude={"raw"})
    if key in mailbox.resolutions:
        facts["resolved"] = mailbox.resolutions[key].model_dump(mode="json")
    sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    sys.stdout.write(letter.message.decode("utf-8", "backslashreplace") + "\n")
    return 0


def _resolve(args: argparse.Namespace) -> int:
    desk = Desk()
    chosen = [desk.mailbox.find(key) for key in args.keys]
    if args.reason or args.everything:
        chosen += [
            letter
            for letter in desk.mailbox.open
            if args.everything or letter.reason == args.reason
        ]
    chosen = list({letter.message_key: letter for letter in chosen}.values())
    if not chosen:
        raise Rejected("no open dead letter is meant: name keys, --reason CODE or --all")
    if args.action == "discard":
        desk.resolve([(letter, None) for letter in chosen], args.why)
        sys.stdout.write(f"discarded {len(chosen)}\n")
        return 0
    events = [(letter, _made_right(letter, args)) for letter in chosen]
    if args.dry_run:
        for _, event in events:
            sys.stdout.write(event.encode().decode() + "\n")
        return 0
    desk.resolve(list(events))
    sys.stdout.write(f"replayed {len(events)}\n")
    return 0


def _made_right(letter: DeadLetter, args: argparse.Namespace) -> Envelope:
    changes = [_patch(path) for path in args.merge] + [change_of(text) for text in args.set]
    return repaired(letter, changes, _content(args.instead) if args.instead else None)


def _patch(path: Path) -> dict[str, object]:
    try:
        patch = json.loads(_content(path))
    except ValueError:
        patch = None
    if not isinstance(patch, dict):
        raise Rejected(f"{path} is not a JSON object", path=path)
    return patch


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Rejected(f"{path}: {error.strerror}", path=path) from None
