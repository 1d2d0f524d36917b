"""An event: one class, from which its schema, Flink table, fixtures and page are derived."""

from __future__ import annotations

import argparse
from string import Template

from contracts.errors import Rejected
from contracts.event import EVENTS
from contracts.topics import EVENT_TOPICS

EXAMPLE = "bookmark.added"
PATTERN = r"[a-z][a-z_]*(\.[a-z][a-z_]*)+"
NEXT = (
    "give the class its fields, let a service emit it (unit.emit), and say in that context's "
    "confirm.sql which row proves it"
)

_TOPICS = {topic.name.split(".")[1]: topic for topic in EVENT_TOPICS}
_FILE = Template('''"""$sentence"""

from contracts.event import Event, Id,$kind PersonId
from contracts.topics import $topic


class $name(
    Event,
    type="$type",
    topic=$topic,
    key="$key",$action
):
    """$sentence"""

    user_id: PersonId
    course_id: Id$item
''')


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--topic", choices=_TOPICS, help="default: that of events like it")
    parser.add_argument(
        "--learner-action", action="store_true", help="a learner does it: it belongs to a session"
    )


def files(args: argparse.Namespace) -> dict[str, str]:
    noun = args.name.partition(".")[0]
    if args.name in EVENTS:
        raise Rejected(f"the event {args.name} exists already: {EVENTS[args.name].__module__}")
    alike = [cls.TOPIC.name.split(".")[1] for cls in EVENTS.values() if cls.TYPE.startswith(noun)]
    topic = args.topic or next(iter(alike), "content")
    # What reads content relies on that: each event is a learner's, about an item of some kind.
    content = topic == "content"
    action = args.learner_action or content
    words = args.name.replace(".", " ").replace("_", " ")
    text = _FILE.substitute(
        sentence=f"{words.capitalize()}: say in one sentence what happened.",
        name="".join(word.capitalize() for word in words.split()),
        type=args.name,
        topic=topic.upper(),
        key="course_id" if topic == "courses" else "user_id",
        kind=" Kind," if content else "",
        item="\n    item_id: Id\n    kind: Kind" if content else "",
        action="\n    learner_action=True," if action else "",
    )
    return {f"contracts/events/{words.replace(' ', '_')}.py": text}
