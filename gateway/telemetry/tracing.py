"""Traces: a span per request and statement, and the trace's name on every event.

Off (the default) costs one comparison; a trace that a caller or a proxy has begun still
flows through, from the ``traceparent`` header (W3C Trace Context) to the event's Kafka header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
)
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.roundtrip import Cursor

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

HEADER = "traceparent"
"""Of requests and of Kafka messages alike."""

_fields = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_passing: ContextVar[str | None] = ContextVar("traceparent", default=None)
_tracer: Tracer | None = None


class TelemetrySettings(BaseSettings):
    """``LMS_TELEMETRY_*``."""

    model_config = SettingsConfigDict(env_prefix="LMS_TELEMETRY_", frozen=True)

    otlp_endpoint: str | None = None
    """Where spans go: an OTLP/HTTP collector's traces address, ``http://…:4318/v1/traces``."""
    sample_ratio: float = Field(default=1.0, ge=0, le=1)
    """Share of the traces that begin here; one that a caller began is kept as the caller said."""


def start(service: str, settings: TelemetrySettings | None = None) -> TracerProvider | None:
    """Begin to send spans of ``service``, if there is a collector; shut the provider down at the
    end, which sends the last ones."""
    global _tracer
    settings = settings or TelemetrySettings()
    if settings.otlp_endpoint is None:
        return None
    # Only then: they cost every process and command half a second of imports.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    provider = TracerProvider(
        resource=Resource.create({"service.name": f"learnstream-{service}"}),
        sampler=ParentBased(TraceIdRatioBased(settings.sample_ratio)),
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(settings.otlp_endpoint)))
    _tracer = provider.get_tracer("learnstream")
    return provider


def stop(provider: TracerProvider | None) -> None:
    """Send what is left."""
    global _tracer
    _tracer = None
    if provider is not None:
        provider.shutdown()


def on() -> bool:
    return _tracer is not None


def of_request(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The trace that a request's headers name, if they name one that is well-formed."""
    for name, value in headers:
        if name == b"traceparent":
            text = value.decode("latin-1")
            return text if _context(text) is not None else None
    return None


def of_message(headers: Iterable[tuple[str, bytes | None]] | None) -> str | None:
    """The trace that a Kafka message's headers name."""
    return of_request((name.encode(), value) for name, value in headers or () if value is not None)


def current() -> str | None:
    """What the events written now carry."""
    context = trace.get_current_span().get_span_context() if _tracer is not None else None
    if context is None or not context.is_valid:
        return _passing.get()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def pass_on(traceparent: str | None) -> None:
    """Have the events of this task carry a trace that we do not join."""
    _passing.set(traceparent)


@contextmanager
def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    traceparent: str | None = None,
    **attributes: str | int,
) -> Iterator[Span | None]:
    """A span in the current trace, or in that of ``traceparent``; None while tracing is off."""
    if _tracer is None:
        if traceparent is None:
            yield None
            return
        token = _passing.set(traceparent)
        try:
            yield None
        finally:
            _passing.reset(token)
        return
    parent = _context(traceparent)
    context = None if parent is None else trace.set_span_in_context(NonRecordingSpan(parent))
    with _tracer.start_as_current_span(
        name, context, kind, attributes, record_exception=False, set_status_on_exception=False
    ) as opened:
        try:
            yield opened
        except BaseException as error:
            # Its kind only: a message may quote a row with somebody's address.
            opened.set_status(StatusCode.ERROR, type(error).__qualname__)
            raise


def _context(traceparent: str | None) -> SpanContext | None:
    found = _fields.fullmatch(traceparent) if traceparent else None
    if found is None:
        return None
    context = SpanContext(
        int(found[1], 16),
        int(found[2], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(found[3], 16)),
    )
    return context if context.is_valid else None


@contextmanager
def statements(*texts: str) -> Iterator[None]:
    """A span for each of the statements that are sent to Postgres together."""
    if _tracer is None:
        yield
        return
    opened = [
        _tracer.start_span(
            f"postgres {text.split(None, 1)[0].upper() if text.strip() else 'SQL'}",
            kind=SpanKind.CLIENT,
            attributes={"db.system.name": "postgresql", "db.query.text": text},  # never its values
        )
        for text in texts
    ]
    try:
        yield
    except BaseException as error:
        for one in opened:
            one.set_status(StatusCode.ERROR, type(error).__qualname__)
        raise
    finally:
        for one in opened:
            one.end()


class TracedCursor(Cursor):
    """A cursor whose statements are spans."""

    async def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Any:
        with statements(query.decode() if isinstance(query, bytes) else str(query)):
            return await super().execute(query, params, **kwargs)


def cursor_factory() -> dict[str, Any]:
    """Arguments of a connection whose statements are to be spans; nothing while tracing is off."""
    return {"cursor_factory": TracedCursor} if on() else {}
