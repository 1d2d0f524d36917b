"""Requests to the LMS and serving with the caller's token: we have no rights of our own."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import httpx

from contracts.errors import Retryable
from gateway import request_ids
from gateway.errors import Relayed


class Behind:
    """One of our other processes over HTTP; ``client`` has its address."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ask(
        self,
        method: str,
        path: str,
        token: str | None,
        *,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """Send a request for ``/api/v1<path>`` and return its successful answer.

        Raises ``Retryable`` where the process is away or cannot answer now, and ``Relayed`` with
        its message and status where it refuses.
        """
        sent = request_ids.passed_on() | (headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        try:
            response = await self._client.request(method, f"/api/v1{path}", headers=sent, **more)
        except httpx.TransportError as error:
            raise Retryable(
                f"nothing answers at {self._client.base_url}; see ./learnstream status"
            ) from error
        if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Retryable(_detail(response), status=response.status_code)
        if response.is_error:
            wait = response.headers.get("retry-after")
            more_headers = {"headers": {"Retry-After": wait}} if wait else {}
            raise Relayed(_detail(response), status=response.status_code, **more_headers)
        return response


def _detail(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return response.reason_phrase
    detail = body.get("detail") if isinstance(body, dict) else None
    return str(detail or response.reason_phrase)
