"""PgBouncer in transaction mode, from Debian trixie: as a large installation has it, for tests.

Not one of the components that ``up`` starts: one machine needs no pooler.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from stack import tls
from stack.local import debian
from stack.local.component import Launch, private, write_private
from stack.local.postgres import unprivileged
from stack.principals import password

_CONF = """\
[databases]
* = host=127.0.0.1 port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 200
max_prepared_statements = {prepared_statements}
server_tls_sslmode = disable
"""

_TLS = """\
client_tls_sslmode = require
client_tls_protocols = tlsv1.3
client_tls_cert_file = {leaf}
client_tls_key_file = {leaf}
server_tls_sslmode = verify-full
server_tls_protocols = tlsv1.3
server_tls_ca_file = {authority}
"""


class PgBouncer(debian.DebianComponent):
    """On ``port`` before the server on ``server_port``, for the logins ``users``."""

    name: ClassVar[str] = "pgbouncer"
    packages = ("pgbouncer",)
    programs = ("usr/sbin/pgbouncer",)

    def __init__(
        self,
        port: int,
        server_port: int,
        pool_size: int = 2,
        prepared_statements: int = 200,
        users: Sequence[str] = ("lms",),
    ) -> None:
        self._port, self._server_port, self._pool_size = port, server_port, pool_size
        self._prepared_statements, self._users = prepared_statements, users

    def prepare(self) -> None:
        private(self.conf)
        users = self.conf / "users.txt"
        # In plain text: it has to log in to the server with them.
        write_private(users, "".join(f'"{user}" "{password(user)}"\n' for user in self._users))
        text = _CONF.format(
            server_port=self._server_port,
            port=self.ports()[0],
            users=users,
            pool_size=self._pool_size,
            prepared_statements=self._prepared_statements,
        )
        if tls.on("postgres"):
            leaf, authority = self.certificate, tls.folder() / "ca.pem"
            text += _TLS.format(leaf=leaf, authority=authority)
        self._ini.write_text(text)

    def launch(self) -> Launch:
        program = self.program("usr/sbin/pgbouncer")
        return Launch([*unprivileged(), program, self._ini])

    def ready(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.ports()[0]), 1.0).close()
        except OSError:
            return False
        return True

    def ports(self) -> Sequence[int]:
        return (self._port,)

    def address(self) -> str:
        return f"postgresql://127.0.0.1:{self.ports()[0]}/lms"

    @property
    def _ini(self) -> Path:
        return self.conf / "pgbouncer.ini"
