"""A load generator that costs little: raw sockets, requests made beforehand, a process of its own.

What it takes of the machine is reported with the figures, for it runs beside what it measures.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.errors import Retryable
from stack.profile import REPOSITORY

LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back."""

    seconds: float
    answers: int
    statuses: dict[str, int]
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_s: float
    """Of the generator."""

    @property
    def per_s(self) -> float:
        return self.answers / self.seconds


def request(method: str, host: str, path: str, headers: dict[str, str], body: Any = None) -> bytes:
    """The bytes of one request on a connection that stays open."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if content:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    elif method != "GET":
        lines.append("Content-Length: 0")
    return "\r\n".join([*lines, "", ""]).encode() + content


def drive(
    host: str,
    port: int,
    requests: Sequence[bytes],
    *,
    connections: int,
    seconds: float,
    per_s: float | None = None,
    again: bool = False,
) -> Outcome:
    """Send ``requests`` in order until they or ``seconds`` run out; ``again`` starts over.

    Without ``per_s`` every connection sends as soon as it has its answer. With it, requests are due
    at a fixed pace, and a time is counted from when the request was due: a server that stalls does
    not get away with being asked less. Raises ``Retryable`` where a connection breaks.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requests"
        with file.open("wb") as out:
            for one in requests:
                out.write(LENGTH.pack(len(one)) + one)
        plan = {
            "host": host,
            "port": port,
            "file": str(file),
            "connections": connections,
            "seconds": seconds,
            "per_s": per_s,
            "again": again,
        }
        done = subprocess.run(
            [sys.executable, "-m", "bench.load.generator"],
            input=json.dumps(plan),
            capture_output=True,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
    if done.returncode:
        raise Retryable(f"the load generator ended: {done.stderr.strip()[-500:]}")
    return Outcome(**json.loads(done.stdout))
