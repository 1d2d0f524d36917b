"""Who holds a port, so that "address in use" becomes a sentence with a way out."""

from __future__ import annotations

import socket
from collections.abc import Iterable

import psutil

from contracts.errors import Misconfigured
from stack.local.component import Component


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do: a port in TIME_WAIT is free, one with a listener is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """The listening process as ``name (pid 42)``, as far as this user may see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and tuple(connection.laddr)[1:] == (port,) and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        pass
    return "another process"


def require_free(components: Iterable[Component]) -> None:
    """Raise Misconfigured for the first port that a component needs and somebody else has."""
    for component in components:
        for port in component.ports():
            if not is_free(port):
                raise Misconfigured(
                    f"port {port}, which {component.name} needs, is taken by {holder(port)}: "
                    "stop it, or set LMS_LOCAL_PORT_OFFSET=100 (any free offset) to move all ports",
                    port=port,
                    component=component.name,
                )
