"""Qdrant: every point of every collection; a local folder is searched with the artefacts."""

from __future__ import annotations

from collections.abc import Iterator

from core_lms.privacy.stores.trace import Trace, Wanted
from stack import qdrant


def search(wanted: Wanted) -> Iterator[Trace]:
    if qdrant.QdrantSettings().url is None:
        return
    client = qdrant.client()
    for collection in client.get_collections().collections:
        count, offset = 0, None
        while True:
            points, offset = client.scroll(collection.name, limit=1000, offset=offset)
            count += sum(wanted.within(point.model_dump_json().encode()) for point in points)
            if offset is None:
                break
        if count:
            yield Trace("qdrant", collection.name, count)
