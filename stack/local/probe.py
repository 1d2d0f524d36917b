"""Ask a component whether it lives, in its own protocol, without loading a client library.

``up`` and ``status`` run often and must answer at once; httpx and redis-py alone cost them half
a second of imports.
"""

from __future__ import annotations

import http.client
import socket

from stack import tls


def http_get(port: int, path: str, timeout_s: float = 3.0, component: str = "http") -> bytes | None:
    """The body of a 200 answer from loopback; None for any other answer or none.

    ``component`` is one of ``tls.COMPONENTS``: whether it is asked with TLS.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    if tls.on(component):
        context = tls.client_context()
        connection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=timeout_s, context=context
        )
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        return body if response.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def redis_ping(port: int, user: str, password: str, timeout_s: float = 2.0) -> bool:
    """True for ``+PONG``; a server that is still loading its file answers with an error."""
    words = [b"AUTH", user.encode(), password.encode()]
    login = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
    try:
        with _connected(port, timeout_s) as connection:
            connection.sendall(b"*3\r\n" + login + b"PING\r\n")
            answer = b""
            while answer.count(b"\r\n") < 2 and (more := connection.recv(256)):
                answer += more
            return answer == b"+OK\r\n+PONG\r\n"
    except OSError:
        return False


def _connected(port: int, timeout_s: float) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", port), timeout_s)
    if not tls.on("redis"):
        return plain
    try:
        return tls.client_context().wrap_socket(plain, server_hostname="127.0.0.1")
    except BaseException:
        plain.close()
        raise
