"""Traces: from a caller's header through spans at a real collector's address to the event."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from fastapi.testclient import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from contracts.ids import new_id
from core_lms.app import create_app
from gateway.telemetry import tracing
from tests.core_lms.conftest import Lms

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


class Collector:
    """Takes OTLP over HTTP, as the OpenTelemetry Collector does."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler) -> None:
                body = handler.rfile.read(int(handler.headers["Content-Length"]))
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    for scope in resource.scope_spans:
                        self.spans.extend(scope.spans)
                handler.send_response(200)
                handler.end_headers()

            def log_message(handler, *_: Any) -> None:
                return

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}/v1/traces"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    found = Collector()
    monkeypatch.setenv("LMS_TELEMETRY_OTLP_ENDPOINT", found.endpoint)
    yield found
    found.close()


def traceparent_of(lms: Lms, event_type: str) -> str | None:
    row = lms.database.execute(
        "SELECT traceparent FROM outbox WHERE message::jsonb ->> 'institution_id' = %s"
        " AND message::jsonb ->> 'event_type' = %s ORDER BY id DESC LIMIT 1",
        [lms.institution_id, event_type],
    ).fetchone()
    assert row is not None
    found: str | None = row[0]
    return found


@pytest.mark.integration
def test_a_request_its_statements_and_its_event_are_one_trace(
    collector: Collector, database: Any
) -> None:
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        lms = Lms(client, database, new_id())
        body = {"email": f"{new_id()}@example.org", "name": "Sam Doe"}
        answer = lms.call("POST", "/users", json=body, headers={"traceparent": PARENT})
        assert answer.status_code == 201
        carried = traceparent_of(lms, "user.created")
    assert carried is not None
    assert carried.split("-")[1] == TRACE != carried.split("-")[2]
    ours = [span for span in collector.spans if span.trace_id.hex() == TRACE]
    [server] = [span for span in ours if span.kind == Span.SPAN_KIND_SERVER]
    attributes = {one.key: one.value for one in server.attributes}
    assert server.name == "POST /api/v1/users"
    assert server.parent_span_id.hex() == "b7ad6b7169203331"
    assert attributes["http.response.status_code"].int_value == 201
    assert carried == f"00-{TRACE}-{carried.split('-')[2]}-01"
    statements = [span for span in ours if span.name.startswith("postgres ")]
    assert {"postgres INSERT", "postgres SELECT"} <= {span.name for span in statements}
    assert all(span.parent_span_id == server.span_id for span in statements)
    assert not any(body["email"] in str(span) or "Sam Doe" in str(span) for span in ours)


@pytest.mark.integration
def test_while_tracing_is_off_a_caller_s_trace_still_reaches_the_event(lms: Lms) -> None:
    assert not tracing.on()
    body = {"email": f"{new_id()}@example.org", "name": "Sam Doe"}
    lms.call("POST", "/users", json=body, headers={"traceparent": PARENT})
    assert traceparent_of(lms, "user.created") == PARENT
    lms.user()
    assert traceparent_of(lms, "user.created") is None, "a trace leaked into another request"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"00-{TRACE}-b7ad6b7169203331",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-b7ad6b7169203331-01",
        PARENT + "-extra",
        "é" * 55,
    ],
)
def test_a_header_that_names_no_trace_is_passed_over(header: str) -> None:
    assert tracing.of_request([(b"traceparent", header.encode())]) is None


def test_a_message_s_header_continues_the_trace() -> None:
    carried = tracing.of_message([("other", b"x"), ("traceparent", PARENT.encode())])
    assert carried == PARENT
    with tracing.span("handle", traceparent=carried):
        assert tracing.current() == PARENT
    assert tracing.current() is None
