"""``python -m bench.load.generator``: reads its plan from stdin, prints what came back as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any, cast

import uvloop

from bench.load import LENGTH


class Source:
    """The requests that are left, and what came back for them."""

    def __init__(self, requests: list[bytes], again: bool) -> None:
        self._requests, self._again, self._next = requests, again, 0
        self.open = True
        self.statuses: Counter[bytes] = Counter()
        self.seconds: list[float] = []
        self.ended_at = 0.0

    def take(self) -> bytes | None:
        if not self.open:
            return None
        if self._next == len(self._requests):
            if not self._again:
                self.open = False
                return None
            self._next = 0
        self._next += 1
        return self._requests[self._next - 1]


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, source: Source, idle: deque[Connection] | None) -> None:
        self._source, self._idle = source, idle
        self._buffer = b""
        self._due = 0.0
        self._missing = 0
        self.broken: str | None = None
        self.ended = asyncio.get_running_loop().create_future()
        self.busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is one by its methods

    def send(self, due: float) -> bool:
        request = self._source.take()
        if request is None:
            self.end()
            return False
        self._due, self.busy = due, True
        self._transport.write(request)
        return True

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._buffer += data
            head = self._buffer.find(b"\r\n\r\n")
            if head < 0:
                return
            self._missing = head + 4 + _length(self._buffer[:head]) - len(self._buffer)
            self._source.statuses[self._buffer[9:12]] += 1
            self._buffer = b""
        if self._missing == 0:
            now = time.perf_counter()
            self._source.seconds.append(now - self._due)
            self._source.ended_at = now
            self.busy = False
            if self._idle is None or not self._source.open:
                self.send(now)
            else:
                self._idle.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.broken = f"the server closed a connection ({error})"
            self._source.open = False
            self.ended.set_result(None)

    def end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
        self._transport.close()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


async def run(plan: dict[str, Any]) -> dict[str, Any]:
    source = Source(list(_requests(Path(plan["file"]))), plan["again"])
    idle: deque[Connection] | None = deque() if plan["per_s"] else None
    loop = asyncio.get_running_loop()
    connections = [
        (
            await loop.create_connection(
                lambda: Connection(source, idle), plan["host"], plan["port"]
            )
        )[1]
        for _ in range(plan["connections"])
    ]
    cpu, started = time.process_time(), time.perf_counter()
    if idle is None:
        loop.call_later(plan["seconds"], setattr, source, "open", False)
        for connection in connections:
            connection.send(started)
        await asyncio.wait([connection.ended for connection in connections])
    else:
        idle.extend(connections)
        await _pace(source, idle, connections, started, plan["per_s"], plan["seconds"])
    for connection in connections:
        if connection.broken is not None:
            raise SystemExit(connection.broken)
    times = sorted(source.seconds)
    return {
        "seconds": source.ended_at - started,
        "answers": len(times),
        "statuses": {status.decode(): number for status, number in source.statuses.items()},
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[len(times) * 99 // 100] * 1000,
        "max_ms": times[-1] * 1000,
        "cpu_s": time.process_time() - cpu,
    }


async def _pace(
    source: Source,
    idle: deque[Connection],
    connections: list[Connection],
    started: float,
    per_s: float,
    seconds: float,
) -> None:
    """Send what is due over whoever is idle; with nobody idle it waits, and its time runs."""
    sent, total = 0, int(per_s * seconds)
    while sent < total and source.open:
        now = time.perf_counter()
        while sent < total and idle and started + sent / per_s <= now:
            if not idle.popleft().send(started + sent / per_s):
                break
            sent += 1
        # Until the next one is due; with nobody idle, until somebody may be.
        wait_s = started + sent / per_s - time.perf_counter() if idle else 0.0005
        await asyncio.sleep(max(wait_s, 0.0))
    source.open = False
    for connection in connections:
        if not connection.busy:
            connection.end()
    await asyncio.wait([connection.ended for connection in connections])


def _requests(file: Path) -> Any:
    data = file.read_bytes()
    place = 0
    while place < len(data):
        [length] = LENGTH.unpack_from(data, place)
        place += LENGTH.size
        yield data[place : place + length]
        place += length


if __name__ == "__main__":
    sys.stdout.write(json.dumps(uvloop.run(run(json.load(sys.stdin)))))
