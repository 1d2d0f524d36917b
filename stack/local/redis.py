"""Redis, from Debian trixie's package in a private tree; every write is in its append-only file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from stack import redis_acl, tls
from stack.local import debian
from stack.local.component import Launch, private, write_private
from stack.local.probe import redis_ping
from stack.principals import OPERATOR, password
from stack.profile import profile

_CONF = """\
bind 127.0.0.1
{listening}
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

_TLS = """\
port 0
tls-port {port}
tls-cert-file {leaf}
tls-key-file {leaf}
tls-ca-cert-file {ca}
tls-protocols "TLSv1.3"
tls-auth-clients no"""


class Redis(debian.DebianComponent):
    """One server with an access list of our principals."""

    name: ClassVar[str] = "redis"
    packages = ("redis-server",)
    programs = ("usr/bin/redis-*",)
    stop_order: ClassVar[int] = 2

    def prepare(self) -> None:
        private(self.data)
        users = self.conf / "users.acl"
        write_private(users, redis_acl.users())
        listening = self._listening(self.ports()[0])
        self._conf.write_text(_CONF.format(listening=listening, users=quoted(users)))

    def _listening(self, port: int) -> str:
        if not tls.on("redis"):
            return f"port {port}"
        authority = quoted(tls.folder() / "ca.pem")
        return _TLS.format(port=port, leaf=quoted(self.certificate), ca=authority)

    def launch(self) -> Launch:
        program = self.program("usr/bin/redis-server")
        return Launch([program, self._conf, "--dir", self.data])

    def ready(self) -> bool:
        return redis_ping(self.ports()[0], OPERATOR, password(OPERATOR))

    def ports(self) -> Sequence[int]:
        return (profile().port(16379),)

    def address(self) -> str:
        return f"{'rediss' if tls.on('redis') else 'redis'}://127.0.0.1:{self.ports()[0]}/0"

    @property
    def _conf(self) -> Path:
        return self.conf / "redis.conf"


def quoted(path: Path) -> str:
    """As a value in ``redis.conf``, whatever the folder is called."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
