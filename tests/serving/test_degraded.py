"""Answers while components are away: nothing listens on these ports, and that is the test."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from redis import asyncio as redis_asyncio

from contracts.errors import Retryable
from contracts.ids import new_id
from gateway.breaker import Breaker
from serving.catalogue import Catalogue, Course, Item
from serving.lms import Lms
from serving.model import LiveModel
from serving.popularity import Popularity
from serving.recommend import NO_MODEL, Recommender
from serving.semantic import SemanticIndex
from serving.settings import ServingSettings
from serving.signals import SignalReader, attempt

COURSES = [
    Course("x", "Course x", tuple(Item(f"i{n}", "x", "Course x", "page", f"Title {n}", "", n)
                                  for n in range(5)))
]  # fmt: skip


@pytest.fixture
def recommender(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Recommender:
    monkeypatch.setenv("LMS_HTTP_LMS_PORT", "9")  # discard: nobody is there
    monkeypatch.setenv("LMS_SECRET_SERVICE_KEY_SERVING", "nobody asks for it")
    settings = ServingSettings()
    client = redis_asyncio.Redis.from_url("redis://127.0.0.1:9/0", socket_connect_timeout=0.2)
    return Recommender(
        SignalReader(Lms(settings), client, settings),
        Catalogue(COURSES),
        LiveModel(tmp_path),
        Popularity(),
        SemanticIndex(),
        settings,
    )


def test_with_everything_away_the_catalogue_is_still_offered(recommender: Recommender) -> None:
    answer = asyncio.run(recommender.answer(new_id(), 3))
    assert [offer.source for offer in answer.offers] == ["popular"] * 3
    assert answer.model == NO_MODEL
    assert set(answer.degraded) == {"lms", "redis", "model", "semantic"}


def test_a_component_that_is_away_costs_one_wait_and_not_one_per_answer() -> None:
    async def run() -> float:
        breaker = Breaker(30)

        async def hang() -> None:
            await asyncio.sleep(60)

        began = time.monotonic()
        for _ in range(50):
            assert await attempt(breaker, hang(), 0.1) is None
        return time.monotonic() - began

    assert asyncio.run(run()) < 2


def test_a_component_that_came_back_is_asked_again() -> None:
    async def run() -> None:
        now = [0.0]
        breaker = Breaker(30, lambda: now[0])

        async def away() -> str:
            raise Retryable("away")

        async def back() -> str:
            return "here"

        assert await attempt(breaker, away(), 1) is None
        assert await attempt(breaker, back(), 1) is None  # still cooling down
        now[0] = 30.0
        assert await attempt(breaker, back(), 1) == "here"

    asyncio.run(run())


def test_the_catalogue_survives_a_restart_without_the_lms(tmp_path: Path) -> None:
    copy = tmp_path / "artefacts" / "catalogue.json"
    Catalogue(COURSES, copy_at=copy)
    restarted = Catalogue(copy_at=copy)
    assert restarted.restore()
    assert list(restarted.courses.values()) == COURSES
    copy.write_text("[{}]")
    assert not Catalogue(copy_at=copy).restore()
