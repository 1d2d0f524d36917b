"""A client of the LMS: the catalogue, what a learner has finished, their courses and relations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

import httpx

from contracts.errors import Retryable
from gateway import request_ids
from gateway.errors import Forbidden, NotFound
from serving.settings import ServingSettings
from stack import tls
from stack.http import HttpSettings, ServiceAuth

asking_for: ContextVar[str | None] = ContextVar("asking_for", default=None)
"""The name of the caller whose request is being answered: the LMS's audit log has it."""
_PAGE = 200
_CATALOGUE_TIMEOUT_S = 10.0


class Lms:
    """A client with its own connection pool; close it when done."""

    def __init__(
        self, settings: ServingSettings, transport: httpx.AsyncBaseTransport | None = None
    ):
        self._client = httpx.AsyncClient(
            base_url=f"{HttpSettings().lms_url}/api/v1",
            auth=ServiceAuth("serving"),
            timeout=settings.lms_timeout_s,
            transport=transport,
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
            verify=tls.client_context(),
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def course(self, course_id: str) -> dict[str, Any]:
        """One course. Raises ``NotFound``, and ``Retryable`` where the LMS is away."""
        row: dict[str, Any] = await self._get(
            f"/courses/{course_id}", timeout_s=_CATALOGUE_TIMEOUT_S
        )
        return row

    def published_courses(self) -> AsyncIterator[dict[str, Any]]:
        """Every published course, page by page."""
        return self._pages("/courses", status="published")

    def items(self, course_id: str) -> AsyncIterator[dict[str, Any]]:
        """Every item of a course in its order, page by page."""
        return self._pages(f"/courses/{course_id}/items")

    async def completed_items(self, user_id: str) -> set[str]:
        """Exactly what the learner has finished. Raises ``NotFound`` for an unknown learner."""
        body = await self._get(f"/users/{user_id}/completed-items")
        return {str(row["item_id"]) for row in body["items"]}

    async def enrolled_courses(self, user_id: str) -> list[str]:
        """Courses the learner is in and has not completed or left."""
        body = await self._get(f"/users/{user_id}/enrollments", {"limit": str(_PAGE)})
        return [str(row["course_id"]) for row in body["items"] if row["status"] == "enrolled"]

    async def personalized(self, user_id: str) -> bool:
        """Whether the learner agrees to offers chosen from what they did."""
        body = await self._get(f"/users/{user_id}/consents")
        return any(row["given"] for row in body["items"] if row["purpose"] == "personalization")

    async def relations(self, token: str, user_id: str) -> tuple[frozenset[str], frozenset[str]]:
        """What the token's holder is to somebody, and the courses in which they teach them.

        A caller whom the LMS refuses has no relation. Raises ``Retryable``.
        """
        headers = {"Authorization": f"Bearer {token}"}
        try:
            body = await self._get(f"/users/{user_id}/relations", headers=headers)
        except Forbidden:
            return frozenset(), frozenset()
        return frozenset(body["relations"]), frozenset(body["courses"])

    async def _pages(self, path: str, **query: str) -> AsyncIterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            asked = {**query, "limit": str(_PAGE), **({"cursor": cursor} if cursor else {})}
            body = await self._get(path, asked, timeout_s=_CATALOGUE_TIMEOUT_S)
            for row in body["items"]:
                yield row
            cursor = body["next"]
            if cursor is None:
                return

    async def _get(
        self,
        path: str,
        query: dict[str, str] | None = None,
        timeout_s: float | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        options: dict[str, Any] = {} if timeout_s is None else {"timeout": timeout_s}
        options["headers"] = request_ids.passed_on() | (headers or _on_behalf())
        if headers:
            options["auth"] = None  # the caller's own token, not our key
        try:
            response = await self._client.get(path, params=query, **options)
        except httpx.HTTPError as error:
            raise Retryable(
                f"the LMS does not answer at {self._client.base_url}: {type(error).__name__}"
            ) from error
        if response.status_code == HTTPStatus.NOT_FOUND:
            raise NotFound(f"the LMS knows no {path.removeprefix('/')}")
        refused = response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
        if refused and headers:
            raise Forbidden("the LMS does not let the caller ask that")
        if response.status_code != HTTPStatus.OK:
            raise Retryable(f"the LMS answered {response.status_code} for {path}")
        return response.json()


def _on_behalf() -> dict[str, str]:
    name = asking_for.get()
    return {} if name is None else {"X-On-Behalf-Of": name}
