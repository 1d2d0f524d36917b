"""What models know of lineage: what they train on, and the events that name the model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from contracts.event import EVENTS
from contracts.lineage import Edge, Node, sources

_FOLDER = Path(__file__).parent


def edges() -> Iterator[Edge]:
    """A folder with a ``train.py`` is a model; offers carry which model made them."""
    for train in sorted(_FOLDER.glob("*/train.py")):
        if train.parent.name == "commands":
            continue
        model = Node("model", train.parent.name)
        for query in sorted(train.parent.glob("*.sql")):
            for source in sources(query.read_text(encoding="utf-8")):
                yield source, model
        for type_, event in EVENTS.items():
            if "model" in event.model_fields:
                yield model, Node("event", type_)
