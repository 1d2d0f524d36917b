"""Whoever has the keys may act: tokens for the operator's own tools, renewed before they expire."""

from __future__ import annotations

import time
from collections.abc import Generator
from functools import cache

import httpx

from core_lms.access.keys import KeyRing
from core_lms.access.tokens import LIFETIME_S, issue

RENEW_BEFORE_S = 60


@cache
def ring() -> KeyRing:
    return KeyRing()


def token(institution_id: str, name: str) -> str:
    """A token of a machine that may do everything in the institution; blocks for the keys.

    With the role of an administrator of everything, because it makes the first one.
    """
    return issue(ring(), institution_id, roles=["admin@global"], permissions=["*"], name=name)


class OperatorAuth(httpx.Auth):
    """``httpx`` authentication of a tool ``name`` that drives the LMS over HTTP."""

    def __init__(self, institution_id: str, name: str) -> None:
        self._institution_id, self._name = institution_id, name
        self._token, self._until = "", float("-inf")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if time.monotonic() >= self._until:
            self._token = token(self._institution_id, self._name)
            self._until = time.monotonic() + LIFETIME_S - RENEW_BEFORE_S
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request
