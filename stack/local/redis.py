"""Redis, from Debian trixie's package in a private tree; every write is in its append-only file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from stack import tls
from stack.local import debian
from stack.local.installed import Progress, is_installed
from stack.local.part import Launch, Part
from stack.local.probe import redis_ping
from stack.profile import profile

_SUITE = "trixie"
_PACKAGES = ("redis-server",)
_PROGRAMS = ("usr/bin/redis-*",)

_CONF = """\
bind 127.0.0.1
{listening}
protected-mode yes
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory 1gb
# Full means an error the writer sees, not features that quietly disappear.
maxmemory-policy noeviction
"""

_TLS = """\
port 0
tls-port {port}
tls-cert-file {leaf}
tls-key-file {leaf}
tls-ca-cert-file {ca}
tls-protocols "TLSv1.3"
tls-auth-clients no"""


class Redis(Part):
    name: ClassVar[str] = "redis"
    stop_order: ClassVar[int] = 2

    def is_installed(self) -> bool:
        return is_installed("redis", debian.recipe(_SUITE, _PACKAGES, _PROGRAMS))

    def install(self, progress: Progress) -> None:
        debian.fetch("redis", _SUITE, _PACKAGES, _PROGRAMS, progress)

    def prepare(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        self.conf.mkdir(parents=True, exist_ok=True)
        port = self.ports()[0]
        self._conf.write_text(_CONF.format(listening=self._listening(port)))

    def _listening(self, port: int) -> str:
        if not tls.on("redis"):
            return f"port {port}"
        leaf, authority = self.certificate, tls.folder() / "ca.pem"
        return _TLS.format(port=port, leaf=json.dumps(str(leaf)), ca=json.dumps(str(authority)))

    def launch(self) -> Launch:
        program = profile().parts / "redis/usr/bin/redis-server"
        return Launch([program, self._conf, "--dir", self.data])

    def ready(self) -> bool:
        return redis_ping(self.ports()[0])

    def ports(self) -> Sequence[int]:
        return (profile().port(16379),)

    def address(self) -> str:
        return f"{'rediss' if tls.on('redis') else 'redis'}://127.0.0.1:{self.ports()[0]}/0"

    def version(self) -> str:
        return debian.version("redis", "redis-server")

    @property
    def _conf(self) -> Path:
        return self.conf / "redis.conf"
