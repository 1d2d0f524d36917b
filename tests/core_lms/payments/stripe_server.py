"""Stripe's side as its API reference describes it, over real HTTP: sessions, refunds, idempotency.

Requests are kept as they came. The same Idempotency-Key is answered with the first answer.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl


class StripeServer:
    """Answers on ``url``; ``failures`` are status codes to answer with first."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.failures: list[int] = []
        self.refund_status = "succeeded"
        self._answers: dict[str, dict[str, Any]] = {}
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(
            target=self._http.serve_forever,
            args=(0.01,),  # how often it looks for its end, which by default takes half a second
            daemon=True,
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def made(self, path: str) -> int:
        """How many different things were made: repeats of a key do not count."""
        keys = {headers["idempotency-key"] for at, headers, _ in self.requests if at == path}
        return len(keys & set(self._answers))

    def _answer(self, path: str, headers: dict[str, str], form: dict[str, str]) -> tuple[int, Any]:
        self.requests.append((path, headers, form))
        if self.failures:
            return self.failures.pop(0), {"error": {"code": "on_purpose"}}
        if headers.get("authorization") != "Bearer sk_test_local":
            return 401, {"error": {"type": "invalid_request_error"}}
        key = headers["idempotency-key"]
        if key not in self._answers:
            name = f"{'re' if path == '/v1/refunds' else 'cs_test'}_{len(self._answers)}_{key}"
            self._answers[key] = {"id": name, "status": self.refund_status}
            if path == "/v1/checkout/sessions":
                self._answers[key] = {"id": name, "url": f"{self.url}/c/pay/{name}"}
        return 200, self._answers[key]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                form = dict(parse_qsl(self.rfile.read(length).decode()))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, document = server._answer(self.path, headers, form)
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Says nothing on the terminal."""

        return Handler
