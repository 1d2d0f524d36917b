"""Drives the LMS over HTTP as many learners at once: each in order, all bounded, all repeatable."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType

import httpx

from contracts.errors import Rejected, Retryable
from core_lms.access.operator import OperatorAuth
from stack import tls
from stack.http import HttpSettings

LANES = 16
"""Requests under way at once; a learner's requests all go through one lane, in order."""

AHEAD = 64
"""Requests that wait in a lane before whoever sends more has to wait."""

PATIENCE_S = 300.0
"""How long the LMS may be away before we give up; run the command again to go on."""


@dataclass(frozen=True, slots=True)
class Request:
    """A POST of one learner; with a key (or by its nature) it may be repeated without harm."""

    learner: str
    what: str
    path: str
    body: str
    key: str | None = None


@dataclass(slots=True)
class Answers:
    """The LMS's answers: ``made`` and ``repeated`` by what was asked, ``refused`` by reason."""

    made: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.made.total() + self.repeated.total() + self.refused.total()

    def lines(self) -> Iterator[str]:
        """A line for each count, for people."""
        for heading in ("made", "repeated", "refused"):
            counts: Counter[str] = getattr(self, heading)
            for what, count in sorted(counts.items()):
                yield f"  {heading:<9}{count:>9,}  {what}\n"


class Driver:
    """Open with ``async with``; ``send`` requests; ``drained`` returns when all were answered.

    A refusal (409) is counted and the learner goes on; the LMS being away is waited for; anything
    else (a 4xx that no retry cures) stops everything with ``Rejected``. ``silent`` marks
    what is made as history: nobody is notified.
    """

    def __init__(
        self,
        institution_id: str,
        *,
        url: str | None = None,
        lanes: int = LANES,
        answered: Callable[[int], None] = lambda count: None,
        patience_s: float = PATIENCE_S,
        transport: httpx.AsyncBaseTransport | None = None,
        auth: httpx.Auth | None = None,
        silent: bool = False,
    ) -> None:
        self.answers = Answers()
        self._answered = answered
        self._patience_s = patience_s
        self._lanes: list[asyncio.Queue[Request]] = [asyncio.Queue(AHEAD) for _ in range(lanes)]
        self._tasks: list[asyncio.Task[None]] = []
        self._client = httpx.AsyncClient(
            base_url=f"{url or HttpSettings().lms_url}/api/v1",
            auth=auth or OperatorAuth(institution_id, "driver"),
            headers={"Content-Type": "application/json"} | ({"X-History": "1"} if silent else {}),
            limits=httpx.Limits(max_connections=lanes, max_keepalive_connections=lanes),
            timeout=30.0,
            transport=transport,
            verify=tls.client_context(),
        )

    async def __aenter__(self) -> Driver:
        self._tasks = [asyncio.create_task(self._work(lane)) for lane in self._lanes]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    async def send(self, request: Request) -> None:
        """Queue a request behind the learner's earlier ones; waits while their lane is full."""
        lane = self._lanes[zlib.crc32(request.learner.encode()) % len(self._lanes)]
        while True:
            try:
                return lane.put_nowait(request)
            except asyncio.QueueFull:
                self._stop_if_failed()
                await asyncio.sleep(0.01)

    async def drained(self) -> None:
        """Wait until everything sent was answered; raises what stopped a lane."""
        joined = asyncio.ensure_future(self._joined())
        await asyncio.wait([joined, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        joined.cancel()
        self._stop_if_failed()

    async def _joined(self) -> None:
        for lane in self._lanes:
            await lane.join()

    def _stop_if_failed(self) -> None:
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error

    async def _work(self, lane: asyncio.Queue[Request]) -> None:
        while True:
            request = await lane.get()
            headers = {"Idempotency-Key": request.key} if request.key else {}
            response = await self._ask("POST", request.path, request.body, headers)
            if response.status_code == httpx.codes.CONFLICT:
                self.answers.refused[f"{request.what}: {_reason(response)}"] += 1
            elif response.status_code == httpx.codes.CREATED or request.key is None:
                self.answers.made[request.what] += 1
            else:
                self.answers.repeated[request.what] += 1
            self._answered(1)
            lane.task_done()

    async def _ask(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        deadline = time.monotonic() + self._patience_s
        pause_s = 0.05
        while True:
            try:
                response = await self._client.request(method, path, content=body, headers=headers)
                if response.status_code < 400 or response.status_code == httpx.codes.CONFLICT:
                    return response
                trouble = f"{response.status_code} {response.text[:300]}"
                if response.status_code < 500 and response.status_code != 429:
                    raise Rejected(f"the LMS refused {method} {path}: {trouble}", path=path)
            except httpx.TransportError as error:
                trouble = f"{type(error).__name__} {error}"
            if time.monotonic() > deadline:
                raise Retryable(
                    f"the LMS ({self._client.base_url}) is away: {trouble}; run this again to go on"
                )
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 2.0)


def _reason(response: httpx.Response) -> str:
    """The problem's sentence without its identifiers, so that equal reasons count together."""
    words = str(response.json().get("detail", "")).split()
    return " ".join(word for word in words if word.count("-") != 4)
