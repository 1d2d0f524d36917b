"""Meaning: the verified model, and an index that follows the catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qdrant_client import QdrantClient

from contracts.errors import Misconfigured, Retryable
from contracts.ids import named_id
from serving import embedding
from serving.catalogue import Item
from serving.search import snippet
from serving.semantic import SemanticIndex


def item(slug: str, title: str, description: str) -> Item:
    return Item(
        named_id("item", slug), named_id("course"), "A course", "page", title, description, 0
    )


ORBITS = item("orbits", "Why planets move in ellipses", "Kepler's laws from gravity alone.")
BREAD = item("bread", "Yeast at work", "How dough rises: sugar, carbon dioxide and gluten.")
MOON = item("moon", "The pull of the moon", "Tides follow from gravity falling off with distance.")


@pytest.fixture(scope="module")
def embedder() -> embedding.Embedder:
    return embedding.Embedder()


def test_the_installed_model_is_the_reviewed_one() -> None:
    assert embedding.verified(embedding.model_file())


def test_another_file_is_not_run(tmp_path: Path) -> None:
    content = bytearray(embedding.model_file().read_bytes())
    content[-1] ^= 1
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(Misconfigured, match="is not the embedding model"):
        embedding.verified(tmp_path / "model.onnx")


def test_embeddings_are_unit_vectors_that_know_meaning(embedder: embedding.Embedder) -> None:
    vectors = embedder.embed(["a cat sleeps", "a kitten is napping", "interest rates rose"])
    assert vectors.shape == (3, embedding.DIMENSIONS)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.3


def test_company_in_a_batch_changes_a_vector_only_a_little(embedder: embedding.Embedder) -> None:
    alone = embedder.embed(["a cat sleeps"])[0]
    beside = embedder.embed(["a cat sleeps", "word " * 60])[0]
    assert float(alone @ beside) > 0.99  # int8 activations are scaled per batch


def with_index(use: Callable[[SemanticIndex], Awaitable[None]]) -> None:
    async def run() -> None:
        index = SemanticIndex(connect=lambda: QdrantClient(":memory:"))
        await index.open()
        try:
            await use(index)
        finally:
            await index.close()

    asyncio.run(run())


def test_search_and_neighbours_follow_new_changed_and_gone_items() -> None:
    async def use(index: SemanticIndex) -> None:
        assert await index.sync([ORBITS, BREAD, MOON]) == 3
        assert (await index.search("how gravity shapes orbits", 1))[0][0] == ORBITS.id
        found = await index.neighbours(ORBITS.id, 2)
        assert found[0][0] == MOON.id
        assert ORBITS.id not in [item_id for item_id, _ in found]

        assert await index.sync([ORBITS, BREAD, MOON]) == 0  # nothing changed, nothing embedded
        changed = replace(BREAD, title="Comets", description="Ice that falls around the sun.")
        assert await index.sync([ORBITS, changed]) == 2  # one changed, one gone
        found = [item_id for item_id, _ in await index.search("bodies circling the sun", 5)]
        assert set(found) == {ORBITS.id, BREAD.id}
        assert [item_id for item_id, _ in await index.neighbours(ORBITS.id, 2)] == [BREAD.id]

    with_index(use)


def test_an_item_without_a_description_is_not_compared_by_meaning() -> None:
    async def use(index: SemanticIndex) -> None:
        nameless = item("page", "oucontent 546652", " ")
        assert await index.sync([ORBITS, nameless]) == 1
        assert await index.neighbours(nameless.id, 3) == []

    with_index(use)


def test_a_folder_in_use_by_another_process_is_worth_waiting_for(tmp_path: Path) -> None:
    holder = QdrantClient(path=str(tmp_path))

    async def run() -> None:
        index = SemanticIndex(connect=lambda: QdrantClient(path=str(tmp_path)))
        with pytest.raises(Retryable, match="cannot be opened"):
            await index.open()
        with pytest.raises(Retryable):
            await index.search("anything", 1)
        holder.close()
        await index.open()
        assert index.ready
        await index.close()

    asyncio.run(run())


def test_a_snippet_is_the_sentence_that_fits_the_query() -> None:
    text = "Dough is mixed. Yeast makes the dough rise overnight. Then it is baked."
    assert snippet(text, "why does yeast rise") == "Yeast makes the dough rise overnight."
    assert snippet(text, "qqq") == "Dough is mixed."
    assert len(snippet("word " * 100, "word")) <= 200
