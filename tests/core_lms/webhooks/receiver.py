"""A receiver of webhooks as a process: what it does with a message is said by the path.

``/ok`` · ``/fail/<n>`` fails n times, then takes it · ``/gone`` · ``/busy`` asks to wait ·
``/redirect`` · ``/hang`` never answers · ``/drip`` answers a byte at a time for ever.
``GET /seen/<path>`` gives the messages that came for a path. Prints its port.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SEEN: dict[str, list[dict[str, Any]]] = defaultdict(list)
LOCK = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        with LOCK:
            body = json.dumps(SEEN[self.path.removeprefix("/seen")]).encode()
        self._answer(200, body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        with LOCK:
            SEEN[self.path].append({"headers": headers, "body": body})
            times = len(SEEN[self.path])
        kind, *rest = self.path.strip("/").split("/")
        if kind == "fail" and times <= int(rest[0]):
            self._answer(500, b"not today")
        elif kind == "gone":
            self._answer(410, b"")
        elif kind == "busy":
            self._answer(429, b"", {"Retry-After": "1800"})
        elif kind == "redirect":
            self._answer(307, b"", {"Location": "/ok"})
        elif kind == "hang":
            time.sleep(30)
        elif kind == "drip":
            self._drip()
        else:
            self._answer(204, b"")

    def _drip(self) -> None:
        self.send_response(500)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        try:
            for _ in range(300):
                self.wfile.write(b".")
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            self.close_connection = True

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Says nothing on the terminal."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
