"""A Redis beside the profile's, so that killing it disturbs nobody."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from stack import redis_acl
from stack.local.redis import Redis
from stack.principals import with_login
from tests.ports import free_port
from tests.waiting import until


class OwnRedis:
    """Started and killed by a test."""

    def __init__(self, folder: Path) -> None:
        self.port, self._folder = free_port(), folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = Redis().launch().argv[0]
        users = self._folder / "users.acl"
        users.write_text(redis_acl.users())
        options = ["--port", str(self.port), "--dir", str(self._folder), "--save", ""]
        options += ["--aclfile", str(users)]
        self.process = subprocess.Popen([str(program), *options], stdout=subprocess.DEVNULL)
        until(self._answers, "Redis answers", every_s=0.01, process=self.process)

    def _answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.ConnectionError:
            return False

    def kill(self, name: signal.Signals = signal.SIGKILL) -> None:
        assert self.process is not None
        self.process.send_signal(name)
        if name == signal.SIGKILL:
            self.process.wait()

    def client(self) -> redis.Redis:
        """Who may everything there."""
        return redis.Redis.from_url(self.url_of("operator"))

    @property
    def url(self) -> str:
        """As the LMS uses it."""
        return self.url_of("lms")

    def url_of(self, principal: str) -> str:
        return with_login(f"redis://127.0.0.1:{self.port}", principal)


@contextmanager
def running(folder: Path) -> Iterator[OwnRedis]:
    """One with its data in ``folder``, until the end of the block."""
    Redis().install(lambda doing: None)
    own = OwnRedis(folder)
    own.start()
    try:
        yield own
    finally:
        own.kill()
