"""
Traces (OpenTelemetry): one trace from the HTTP request through RPC and events to the last handler and outside call.

    HTTP POST /v1/orders                gateway
      ask orders.place_order            gateway   from here on the trace travels as `traceparent`
        serve orders.place_order        serve     in the envelope of the call
          handle order.placed.v1        work      in the event's envelope, through relay and receiver
          call render_contract          work      in the row of the outside call

Spans are sent by a thread in the background. A collector that is slow, wrong or gone costs spans, never an answer:
what does not fit into the queue is dropped, and a process that ends waits `LAST_WORDS_S` at most.
"""

import atexit
import contextlib
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # loaded where traces are wanted only: the SDK holds some megabytes
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

EXPORT_TIMEOUT_S = 5.0
"""For one batch, its repeats included."""
EXPORT_BATCH = 128
"""Small: in `serve` a batch is encoded between two answers, some 80 µs a span."""
LAST_WORDS_S = 2.0

Kind = Literal["server", "client", "consumer", "internal"]

_tracer: "Tracer | None" = None


def configure(process: str, endpoint: str | None) -> None:
    """Send traces to *endpoint* (OTLP over HTTP); without one, spans cost next to nothing and go nowhere."""
    global _tracer  # noqa: PLW0603 - one process, one exporter
    if endpoint is None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # Repeats are no news: what is lost in the end is said once, as an error.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.ERROR)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_TIMEOUT_S)
    # Its own end at exit would wait for half a minute where nobody takes the spans.
    provider = TracerProvider(resource=Resource.create({"service.name": f"yiqi-{process}"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_export_batch_size=EXPORT_BATCH))
    _tracer = provider.get_tracer("yiqi")
    atexit.register(_last_words, provider)


def _last_words(provider: "TracerProvider") -> None:
    thread = threading.Thread(target=provider.force_flush, name="last spans", daemon=True)
    thread.start()
    thread.join(LAST_WORDS_S)


def span(
    name: str, traceparent: str = "", *, kind: Kind = "internal", **attributes: str
) -> AbstractContextManager[str]:
    """
    A span under *traceparent* (W3C), or a new trace.

    Gives the traceparent to hand on; what came in where traces go nowhere, so that the chain still holds.
    """
    if _tracer is None:
        return contextlib.nullcontext(traceparent)
    return _span(_tracer, name, traceparent, kind, attributes)


@contextlib.contextmanager
def _span(tracer: "Tracer", name: str, traceparent: str, kind: Kind, attributes: Mapping[str, str]) -> Iterator[str]:
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract({"traceparent": traceparent}) if traceparent else None
    with tracer.start_as_current_span(
        name, context=context, kind=SpanKind[kind.upper()], attributes=attributes
    ) as begun:
        own = begun.get_span_context()
        yield f"00-{own.trace_id:032x}-{own.span_id:016x}-{own.trace_flags:02x}"


def note(name: str = "", *, failed: bool = False, **attributes: str | int) -> None:
    """Add to the span we are in what is known only at its end. *name*: a better one."""
    if _tracer is None:
        return
    from opentelemetry import trace

    current = trace.get_current_span()
    if name:
        current.update_name(name)
    current.set_attributes(attributes)
    if failed:
        current.set_status(trace.Status(trace.StatusCode.ERROR))
