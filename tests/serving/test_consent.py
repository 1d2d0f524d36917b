"""A learner without consent to personal offers gets those for everybody; the answer says so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import asyncio as redis_asyncio

from contracts.envelope import wrap
from contracts.events.users import UserDeleted, UserPasswordChanged
from contracts.ids import DEFAULT_INSTITUTION, new_id
from core_lms.access import operator
from core_lms.app import create_app
from features import trail
from serving.catalogue import Catalogue
from serving.feedback import Feedback, Outlet
from serving.forgetting import Forgetting
from serving.lms import Lms, asking_for
from serving.model import LiveModel
from serving.policy import Offer
from serving.popularity import Popularity
from serving.recommend import FOR_EVERYBODY, NO_MODEL, Recommender
from serving.semantic import SemanticIndex
from serving.settings import ServingSettings
from serving.signals import VIEW, SignalReader
from stack import kafka
from stack.redis import RedisSettings
from tests.serving.test_degraded import COURSES

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]


@asynccontextmanager
async def serving(
    at: Path,
) -> AsyncIterator[tuple[Recommender, SignalReader, httpx.AsyncClient]]:
    """Serving's reader and recommender over the real LMS, and a client of the operator."""
    app = create_app()
    # A server that is slow on a busy machine is not what these tests are about.
    settings = ServingSettings(lms_timeout_s=5.0, redis_timeout_s=5.0, semantic_timeout_s=5.0)
    client = redis_asyncio.Redis.from_url(RedisSettings().url)
    token = await asyncio.to_thread(operator.token, DEFAULT_INSTITUTION, "test")
    asking_for.set(f"user/{new_id()}")  # the LMS answers serving for a caller who is named
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        reader = SignalReader(Lms(settings, transport), client, settings)
        recommender = Recommender(
            reader, Catalogue(COURSES), LiveModel(at), Popularity(), SemanticIndex(), settings
        )
        headers = {"Authorization": f"Bearer {token}"}
        base = "http://lms/api/v1"
        async with httpx.AsyncClient(base_url=base, headers=headers, transport=transport) as lms:
            yield recommender, reader, lms
    await client.aclose()


def test_without_consent_nothing_a_learner_did_is_read_and_offers_say_so(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as (recommender, reader, lms):
            body = {"email": f"{new_id()}@example.org", "name": "Ana"}
            ana = (await lms.post("/users", json=body)).json()["id"]
            async with redis_asyncio.Redis.from_url(RedisSettings().url) as client:
                await client.zadd(trail.key(VIEW, ana), {"i3": time.time()})
            assert (await reader.read(ana)).recent == ("i3",)
            path = f"/users/{ana}/consents/personalization"
            assert (await lms.put(path, json={"given": False})).status_code == 200

            signals = await reader.read(ana)
            assert (signals.recent, signals.personalized) == ((), False)
            for sources in (("personal", "course", "semantic", "popular"), ("personal",)):
                answer = await recommender.answer(ana, 3, None, sources)  # type: ignore[arg-type]
                assert len(answer.offers) == 3
                assert {offer.source for offer in answer.offers} <= {"course", "popular"}
                assert all(FOR_EVERYBODY in offer.reason for offer in answer.offers)
                assert answer.model == NO_MODEL

            assert (await lms.put(path, json={"given": True})).status_code == 200
            assert (await reader.read(ana)).recent == ("i3",)
            offers = (await recommender.answer(ana, 3)).offers
            assert not any(FOR_EVERYBODY in offer.reason for offer in offers)

    asyncio.run(run())


def test_what_was_last_known_counts_while_the_lms_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with serving(tmp_path) as (_, reader, lms):
            body = {"email": f"{new_id()}@example.org", "name": "Ana"}
            ana = (await lms.post("/users", json=body)).json()["id"]
            path = f"/users/{ana}/consents/personalization"
            await lms.put(path, json={"given": False})
            assert not (await reader.read(ana)).personalized
        monkeypatch.setenv("LMS_HTTP_LMS_PORT", "9")  # discard: nobody is there
        settings = ServingSettings()
        client: Any = redis_asyncio.Redis.from_url(RedisSettings().url)
        restarted = SignalReader(Lms(settings), client, settings)
        signals = await restarted.read(ana)
        assert (signals.missing, signals.personalized) == (("lms",), False)
        assert (await restarted.read(new_id())).personalized  # the deployment's default
        await client.aclose()

    asyncio.run(run())


def test_what_serving_remembers_of_an_erased_person_goes(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as (_, reader, lms):
            people = []
            for name in ("Ana", "Ben"):
                body = {"email": f"{new_id()}@example.org", "name": name}
                people.append((await lms.post("/users", json=body)).json()["id"])
                await reader.read(people[-1])
            ana, ben = people
            outlet = Outlet()
            client: Any = redis_asyncio.Redis.from_url(RedisSettings().url)
            feedback = Feedback(outlet, client, ServingSettings())
            shown = [new_id(), new_id()]
            for id_, person in zip(shown, people, strict=True):
                offer = Offer(new_id(), "popular", "because", 0.5)
                feedback.shown(id_, person, [(offer, new_id())], model="m", arm="a")

            def forget(user_id: str) -> None:
                reader.forget(user_id)
                feedback.forget(user_id)

            forgetting = Forgetting(forget)
            assert forgetting.step() == 0  # it listens from here on
            producer = kafka.producer()
            for event in (UserDeleted(user_id=ana), UserPasswordChanged(user_id=ben)):
                envelope = wrap(
                    event, institution_id=DEFAULT_INSTITUTION, source_service="user-service"
                )
                producer.produce(envelope.topic, key=envelope.key, value=envelope.encode())
            assert producer.flush(10) == 0
            deadline = time.monotonic() + 60
            while reader._last.get(ana):
                assert time.monotonic() < deadline
                forgetting.step()
            assert [user_id for user_id, _ in reader._last.items()] == [ben]
            assert [id_ for id_, _ in feedback._shown.items()] == [shown[1]]
            forgetting.close()
            outlet.close()
            await client.aclose()

    asyncio.run(run())
