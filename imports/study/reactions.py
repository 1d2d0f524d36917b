"""How invented learners answer recommendations: some follow and finish one, some say no."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import httpx

from core_lms.access.operator import token_of_person
from stack import tls
from stack.http import HttpSettings

SHARE = 0.35
"""Of the learners, so many are shown recommendations."""


def react(learners: Sequence[str], seed: str) -> Counter[str]:
    """Have a share of the learners (ids) ask for recommendations and answer them.

    Returns how often they did what. Without a server of recommendations, nothing.
    """
    dice = random.Random(f"{seed}/reactions")
    chosen = [learner for learner in learners if dice.random() < SHARE]
    done: Counter[str] = Counter()
    address = f"{HttpSettings().serving_url}/api/v1"
    with httpx.Client(base_url=address, timeout=30, verify=tls.client_context()) as client:
        for learner in chosen:
            headers = {"Authorization": f"Bearer {token_of_person(learner)}"}
            try:
                answer = client.get(
                    "/recommendations", params={"user_id": learner, "limit": 5}, headers=headers
                )
            except httpx.TransportError:
                return done
            if answer.status_code != HTTPStatus.OK:
                continue
            shown = answer.json()
            for what, item_id in _answers(dice, shown):
                path = f"/recommendations/{shown['recommendation_id']}/{what}"
                sent = client.post(path, json={"item_id": item_id}, headers=headers)
                done[what] += sent.status_code == HTTPStatus.ACCEPTED
    return done


def _answers(dice: random.Random, shown: dict[str, Any]) -> list[tuple[str, str]]:
    items = [item["item_id"] for item in shown["items"]]
    if shown["recommendation_id"] is None or not items:
        return []
    followed = min(int(dice.expovariate(1.2)), len(items) - 1)
    found = [("clicks", items[followed])]
    if dice.random() < 0.6:
        found.append(("conversions", items[followed]))
    if followed < len(items) - 1 and dice.random() < 0.5:
        found.append(("dismissals", items[-1]))
    return found
