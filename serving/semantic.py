"""The semantic index: items with text as vectors in Qdrant, kept equal to the catalogue.

This process owns the index. Qdrant's local mode belongs to one thread, so every call to it runs on
one worker; texts are embedded beside it in small batches, and a search never waits for a long sync.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from qdrant_client import QdrantClient, models

from contracts.errors import Retryable
from serving.catalogue import Item
from serving.embedding import DIMENSIONS, SHA256, Embedder
from stack import qdrant

COLLECTION = "items"
_BATCH = 8
Result = TypeVar("Result")

log = logging.getLogger("serving")


def text_of(item: Item) -> str:
    """With the course's title: "Walls inside the castle" alone does not mention networking."""
    return f"{item.course_title}. {item.title}. {item.description}"


def text_hash(item: Item) -> str:
    """Of the text and the model: either changing means embedding again."""
    return hashlib.sha256(f"{SHA256}\n{text_of(item)}".encode()).hexdigest()


class SemanticIndex:
    """The index of items by meaning; every method may be awaited from many tasks."""

    def __init__(self, connect: Callable[[], QdrantClient] = qdrant.client) -> None:
        self._connect = connect
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="qdrant")
        self._client: QdrantClient | None = None
        self._embedder: Embedder | None = None
        self._known: dict[str, str] = {}
        """Text hash by item id, of what is in the index."""
        self._neighbours: dict[tuple[str, int], list[tuple[str, float]]] = {}

    @property
    def size(self) -> int:
        """How many items are indexed."""
        return len(self._known)

    @property
    def ready(self) -> bool:
        return self._client is not None

    async def open(self) -> None:
        """Load the model and open the index. Raises ``Retryable`` where another process has it."""
        if self._embedder is None:
            self._embedder = await asyncio.to_thread(Embedder)
        if self._client is None:
            await self._run(self._open)

    def _open(self) -> None:
        try:
            client = self._connect()
            if not client.collection_exists(COLLECTION):
                client.create_collection(
                    COLLECTION,
                    vectors_config=models.VectorParams(
                        size=DIMENSIONS, distance=models.Distance.COSINE
                    ),
                )
            self._known = {
                str(point.id): (point.payload or {})["text"] for point in _everything(client)
            }
        except Exception as error:  # locked by another process, or a server that is away
            raise Retryable(f"the semantic index cannot be opened: {error}") from error
        self._client = client

    async def close(self) -> None:
        if self._client is not None:
            await self._run(self._client.close)
            self._client = None
        self._worker.shutdown()

    async def sync(self, items: Iterable[Item]) -> int:
        """Embed new and changed items, remove the others; returns how many points changed."""
        if self._client is None or self._embedder is None:
            return 0
        wanted = {item.id: item for item in items if item.has_text}
        stale = [item for item in wanted.values() if self._known.get(item.id) != text_hash(item)]
        gone = [item_id for item_id in self._known if item_id not in wanted]
        for start in range(0, len(stale), _BATCH):
            batch = stale[start : start + _BATCH]
            vectors = await asyncio.to_thread(self._embedder.embed, list(map(text_of, batch)))
            await self._run(self._upsert, batch, vectors.tolist())
        if gone:
            await self._run(self._delete, gone)
        return len(stale) + len(gone)

    def _upsert(self, batch: Sequence[Item], vectors: Sequence[list[float]]) -> None:
        assert self._client is not None
        self._client.upsert(
            COLLECTION,
            [
                models.PointStruct(id=item.id, vector=vector, payload={"text": text_hash(item)})
                for item, vector in zip(batch, vectors, strict=True)
            ],
        )
        self._known.update((item.id, text_hash(item)) for item in batch)
        self._neighbours.clear()

    def _delete(self, item_ids: Sequence[str]) -> None:
        assert self._client is not None
        self._client.delete(COLLECTION, models.PointIdsList(points=list(item_ids)))
        for item_id in item_ids:
            self._known.pop(item_id, None)
        self._neighbours.clear()

    async def search(self, text: str, limit: int) -> list[tuple[str, float]]:
        """Item ids with their cosine similarity, nearest first. Raises ``Retryable``."""
        if self._client is None or self._embedder is None:
            raise Retryable("the semantic index is not open yet")
        [vector] = await asyncio.to_thread(self._embedder.embed, [text])
        return await self._run(self._query, vector.tolist(), limit)

    async def neighbours(self, item_id: str, limit: int) -> list[tuple[str, float]]:
        """Items nearest to an indexed one, without itself; empty for one that has no text."""
        if self._client is None or item_id not in self._known:
            return []
        key = (item_id, limit)
        if key not in self._neighbours:
            self._neighbours[key] = await self._run(self._query, item_id, limit)
        return self._neighbours[key]

    def _query(self, query: Any, limit: int) -> list[tuple[str, float]]:
        assert self._client is not None
        try:
            found = self._client.query_points(COLLECTION, query=query, limit=limit)
        except Exception as error:  # a server that is away; a point deleted a moment ago
            raise Retryable(f"the semantic index does not answer: {error}") from error
        return [(str(point.id), float(point.score)) for point in found.points]

    async def _run(self, step: Callable[..., Result], *args: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._worker, step, *args)


def _everything(client: QdrantClient) -> Iterable[models.Record]:
    offset = None
    while True:
        points, offset = client.scroll(COLLECTION, limit=1000, offset=offset, with_payload=True)
        yield from points
        if offset is None:
            return
