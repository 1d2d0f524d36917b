"""A kind of content that somebody else's package brings."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import Rejected
from contracts.ids import new_id
from core_lms import plugins
from core_lms.content import types

SOURCE = '''
from pydantic import Field

from core_lms.content.types import Generic, Metadata


class Deck(Metadata):
    cards: int = Field(ge=1)


class Flashcards(Generic):
    """Turned over and over."""

    about = "Cards with two sides"
    metadata = Deck
    interactions = frozenset({"content.viewed", "content.completed"})

    async def lacking(self, metadata, trail):
        seen = await trail.times("content.viewed")
        return None if seen >= metadata["cards"] else f"{seen} of {metadata['cards']} cards"
'''


@pytest.fixture
def flashcards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Installed, and gone afterwards; the name of the kind."""
    kind, module = "flashcards", f"paper_{new_id().replace('-', '')}"
    info = tmp_path / f"{module}-1.2.dist-info"
    info.mkdir()
    (tmp_path / f"{module}.py").write_text(SOURCE)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.2\n")
    entry = f"[learnstream.content_types]\n{kind} = {module}:Flashcards\n"
    (info / "entry_points.txt").write_text(entry)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    plugins.forget()
    yield kind
    monkeypatch.undo()
    importlib.invalidate_caches()
    plugins.forget()


def test_its_rules_hold_as_those_of_a_built_in_kind(flashcards: str) -> None:
    assert types.of(flashcards).about == "Cards with two sides"
    with pytest.raises(Rejected, match=r"metadata\.cards"):
        types.checked(flashcards, {"cards": 0})
    with pytest.raises(Rejected, match="takes content"):
        types.accepts(flashcards, "video.played")


@pytest.mark.integration
def test_learners_complete_it_by_its_own_rule(lms: Any, flashcards: str) -> None:
    course_id, learner = lms.course(), lms.user()
    item = lms.item(course_id, flashcards, metadata={"cards": 2})
    lms.enrollment(course_id, learner)
    path = f"/courses/{course_id}/items/{item}/events"
    done = {"event_type": "content.completed", "user_id": learner}
    lms.made(path, {"event_type": "content.viewed", "user_id": learner})
    refused = lms.post(path, done)
    assert (refused.status_code, "1 of 2 cards" in refused.json()["detail"]) == (409, True)
    lms.made(path, {"event_type": "content.viewed", "user_id": learner})
    lms.made(path, done)
    kinds = lms.get("/content-kinds").json()["items"]
    assert flashcards in {kind["kind"] for kind in kinds}
