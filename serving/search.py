"""Search by meaning: items nearest to a query, each with the sentence that fits it best."""

from __future__ import annotations

import re

from serving.catalogue import Catalogue
from serving.schemas import Hit
from serving.semantic import SemanticIndex

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_WORD = re.compile(r"\w{3,}")
_SNIPPET = 200


async def search(index: SemanticIndex, catalogue: Catalogue, text: str, limit: int) -> list[Hit]:
    """The ``limit`` nearest published items. Raises ``Retryable`` while there is no index."""
    hits = []
    for item_id, score in await index.search(text, limit):
        item = catalogue.items.get(item_id)
        if item is not None:  # unpublished a moment ago: the index follows
            hits.append(
                Hit(
                    item_id=item.id,
                    title=item.title,
                    kind=item.kind,
                    course_id=item.course_id,
                    course_title=item.course_title,
                    snippet=snippet(item.description, text),
                    score=round(score, 4),
                )
            )
    return hits


def snippet(description: str, query: str) -> str:
    """The description's sentence that shares most words with the query, else its first."""
    wanted = set(_WORD.findall(query.lower()))
    sentences = _SENTENCE.split(description.strip())
    best = max(sentences, key=lambda one: len(wanted & set(_WORD.findall(one.lower()))))
    return best if len(best) <= _SNIPPET else best[: _SNIPPET - 1].rstrip() + "…"
