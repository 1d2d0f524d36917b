"""The gate in front of every route: who was logged out stays out, who asks too much waits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prometheus_client import Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import problems
from gateway.caller import Caller
from gateway.errors import TooManyRequests, Unauthenticated
from gateway.limits.address import client_address
from gateway.limits.buckets import Away, Bucket, Buckets, Level, Verdict
from gateway.limits.settings import LimitSettings, Rate

log = logging.getLogger("gateway.limits")

FREE = ("/health/", "/metrics")
READS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Extra:
    """A bucket besides the caller's own, for requests that ``of`` picks: method, path, caller.

    ``by_address``: one per address, whoever asks; else one per caller.
    """

    name: str
    rate: Rate | None
    of: Callable[[str, str, Caller | None], bool]
    by_address: bool = False


ASKED = Counter("lms_limit_requests_total", "Requests by what the limits said", ["verdict"])
_taken, _refused, _revoked, _unmetered, _closed = (
    ASKED.labels(verdict) for verdict in ("taken", "refused", "revoked", "unmetered", "closed")
)


def revocation_keys(caller: Caller) -> list[str]:
    """What in Redis says that this caller's token counts no longer."""
    return [
        f"revoked:{id_}"
        for id_ in (caller.session_id, caller.user_id, caller.made_by)
        if id_ is not None
    ]


class RateLimits:
    """ASGI middleware; stands behind the gateway, which has put the caller into the scope.

    ``name`` is the process's: each has buckets of its own (``limit:<name>:<bucket>:<who>``).

    Credentials that the gateway refused are answered here, metered as anonymous.
    """

    def __init__(
        self,
        app: ASGIApp,
        buckets: Buckets,
        settings: LimitSettings,
        name: str = "lms",
        extras: Sequence[Extra] = (),
    ) -> None:
        self._app, self._buckets, self._settings = app, buckets, settings
        self._prefix, self._extras = f"limit:{name}", extras
        self._policies: dict[tuple[str, ...], bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(FREE):
            await self._app(scope, receive, send)
            return
        state = scope.get("state", {})
        caller: Caller | None = state.get("caller")
        onwards: ASGIApp = state.get("refusal") or self._app
        if caller is not None and caller.kind == "service":
            await self._app(scope, receive, send)
            return
        try:
            verdict = await self._buckets.take(
                self.buckets_of(scope, caller), revocation_keys(caller) if caller else ()
            )
        except Away as error:
            _closed.inc()
            await problems.of(error)(scope, receive, send)
            return
        if verdict.revoked:
            _revoked.inc()
            ended = Unauthenticated("the session was ended: log in again")
            await problems.of(ended)(scope, receive, send)
            return
        if not verdict.levels:
            _unmetered.inc()
            await onwards(scope, receive, send)
            return
        headers = self._headers(verdict)
        if not verdict.taken:
            _refused.inc()
            await self._refuse(verdict, headers, scope, receive, send)
            return
        _taken.inc()

        async def with_rate(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        await onwards(scope, receive, with_rate)

    def buckets_of(self, scope: Scope, caller: Caller | None) -> list[Bucket]:
        """Whose tokens the request takes."""
        settings = self._settings
        address = client_address(scope, settings.trusted_proxies)
        found: list[tuple[str, str, Rate | None]] = []
        if caller is None or caller.kind == "anonymous":
            found.append(("anonymous", address, settings.anonymous))
        elif caller.kind == "machine":
            found.append(("machine", caller.name, settings.machine))
        else:
            kind = "read" if scope["method"] in READS else "write"
            rate = settings.read if kind == "read" else settings.write
            found.append((kind, caller.name, rate))
        own = found[0][1]
        for extra in self._extras:
            if extra.of(scope["method"], scope["path"], caller):
                found.append((extra.name, address if extra.by_address else own, extra.rate))
        found.append(("address", address, settings.address))
        return [
            Bucket(name, f"{self._prefix}:{name}:{who}", rate)
            for name, who, rate in found
            if rate is not None
        ]

    def _headers(self, verdict: Verdict) -> list[tuple[bytes, bytes]]:
        """``RateLimit`` and ``RateLimit-Policy`` (draft-ietf-httpapi-ratelimit-headers)."""
        names = tuple(level.bucket.name for level in verdict.levels)
        policy = self._policies.get(names)
        if policy is None:
            policy = self._policies[names] = _policy(verdict.levels)
        tightest = verdict.tightest
        assert tightest is not None
        reset_s = -(-tightest.full_in_us // 1_000_000)
        state = b'"%s";r=%d;t=%d' % (tightest.bucket.name.encode(), tightest.left, reset_s)
        return [(b"ratelimit-policy", policy), (b"ratelimit", state)]

    async def _refuse(
        self,
        verdict: Verdict,
        headers: list[tuple[bytes, bytes]],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        tightest = verdict.tightest
        assert tightest is not None
        wait_s = max(1, tightest.retry_after_s)
        error = TooManyRequests(
            f"too many requests ({tightest.bucket.name}): try again in {wait_s} s"
        )
        answer = problems.of(error)
        answer.raw_headers += [(b"retry-after", b"%d" % wait_s), *headers]
        await answer(scope, receive, send)


def _policy(levels: Sequence[Level]) -> bytes:
    return ", ".join(
        f'"{level.bucket.name}";q={level.bucket.rate.burst};w={level.bucket.rate.window_s}'
        for level in levels
    ).encode()
