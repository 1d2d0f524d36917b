"""Redis, from Debian trixie's package in a private tree; every write is in its append-only file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from stack import redis_acl
from stack.local import debian
from stack.local.installed import Progress, is_installed
from stack.local.part import Launch, Part, private, write_private
from stack.local.probe import redis_ping
from stack.principals import OPERATOR, password
from stack.profile import profile

_SUITE = "trixie"
_PACKAGES = ("redis-server",)
_PROGRAMS = ("usr/bin/redis-*",)

_CONF = """\
bind 127.0.0.1
port {port}
protected-mode yes
aclfile {users}
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory 1gb
# Full means an error the writer sees, not features that quietly disappear.
maxmemory-policy noeviction
"""


class Redis(Part):
    name: ClassVar[str] = "redis"
    stop_order: ClassVar[int] = 2

    def is_installed(self) -> bool:
        return is_installed("redis", debian.recipe(_SUITE, _PACKAGES, _PROGRAMS))

    def install(self, progress: Progress) -> None:
        debian.fetch("redis", _SUITE, _PACKAGES, _PROGRAMS, progress)

    def prepare(self) -> None:
        private(self.data)
        users = self.conf / "users.acl"
        write_private(users, redis_acl.users())
        self._conf.write_text(_CONF.format(port=self.ports()[0], users=quoted(users)))

    def launch(self) -> Launch:
        program = profile().parts / "redis/usr/bin/redis-server"
        return Launch([program, self._conf, "--dir", self.data])

    def ready(self) -> bool:
        return redis_ping(self.ports()[0], OPERATOR, password(OPERATOR))

    def ports(self) -> Sequence[int]:
        return (profile().port(16379),)

    def address(self) -> str:
        return f"redis://127.0.0.1:{self.ports()[0]}/0"

    def version(self) -> str:
        return debian.version("redis", "redis-server")

    @property
    def _conf(self) -> Path:
        return self.conf / "redis.conf"


def quoted(path: Path) -> str:
    """As a value in ``redis.conf``, whatever the folder is called."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
