"""The whole running product in a profile of its own, driven from outside as a user would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from stack.profile import REPOSITORY


@dataclass(frozen=True)
class Product:
    """Its commands, its addresses, and the pids of its components."""

    env: dict[str, str]
    lms: httpx.Client
    serving: httpx.Client
    dashboards: httpx.Client

    def command(self, *words: str, timeout_s: float = 300) -> str:
        """What ``learnstream WORDS`` printed; fails the test with its output where it failed."""
        done = self._run(words, timeout_s)
        assert done.returncode == 0, f"learnstream {' '.join(words)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _run(self, words: Sequence[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "stack.cli", *words],
            cwd=REPOSITORY,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def python(self, code: str) -> str:
        """What a piece of Python printed that ran with the product's settings."""
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=REPOSITORY,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            timeout=60,
            check=True,
        ).stdout.strip()

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command that goes on while the test does other things."""
        return subprocess.Popen(
            [sys.executable, "-m", "stack.cli", *words],
            cwd=REPOSITORY,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def said(self, *words: str, timeout_s: float = 300) -> Any:
        """The JSON object that a command printed last, whatever its exit status."""
        done = self._run(words, timeout_s)
        assert done.stdout.strip(), f"learnstream {' '.join(words)} said nothing\n{done.stderr}"
        return json.loads(done.stdout.splitlines()[-1])

    def components(self) -> dict[str, dict[str, Any]]:
        components: dict[str, dict[str, Any]] = self.said("status", "--json")["components"]
        return components

    def kill(self, component: str) -> int:
        """SIGKILL a component's process; returns the pid it had."""
        pid: int = self.components()[component]["pid"]
        os.kill(pid, signal.SIGKILL)
        return pid


class Operator(httpx.Auth):
    """Asks the LMS and serving with the tokens that ``learnstream token`` prints."""

    def __init__(self, product: Product) -> None:
        self._product, self._token, self._since = product, "", float("-inf")

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
        if time.monotonic() - self._since > 300:
            self._token = self._product.command("token").strip()
            self._since = time.monotonic()
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request
