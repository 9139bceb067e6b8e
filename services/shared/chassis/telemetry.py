"""Traces (OpenTelemetry): one trace from the HTTP request through RPC and events to the last handler."""

import contextlib
from collections.abc import Iterator

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("yiqi")
_exporting = False


def configure(process: str, endpoint: str | None) -> None:
    """Send traces to *endpoint* (OTLP over HTTP); without one, spans cost next to nothing and go nowhere."""
    global _exporting  # noqa: PLW0603 - one process, one exporter
    if endpoint is None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"yiqi-{process}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")))
    trace.set_tracer_provider(provider)
    _exporting = True


@contextlib.contextmanager
def span(name: str, traceparent: str = "", **attributes: str) -> Iterator[str]:
    """
    A span under *traceparent* (W3C), or a new trace.

    Yields:
        The traceparent to hand on; what came in where traces go nowhere, so that the chain still holds.
    """
    if not _exporting:
        yield traceparent
        return
    context = _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else None
    with _TRACER.start_as_current_span(name, context=context, attributes=attributes):
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        yield carrier.get("traceparent", traceparent)
