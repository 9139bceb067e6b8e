"""What Prometheus reads. Labels are few and closed: services, loops, outcomes; never ids."""

from prometheus_client import Counter, Gauge, Histogram

EVENTS_LOGGED = Counter("yiqi_events_logged", "Events numbered into the log", ["source"])
EVENTS_PUBLISHED = Counter("yiqi_events_published", "Events confirmed by the broker", ["source"])
EVENTS_RECEIVED = Counter("yiqi_events_received", "Events stored in the inbox", ["service"])
EVENTS_HANDLED = Counter("yiqi_events_handled", "Inbox rows ended", ["service", "outcome"])
EVENTS_PARKED = Counter("yiqi_events_parked", "Events or messages set aside", ["service", "reason"])
GAPS = Counter("yiqi_event_gaps", "Ranges asked for again", ["service", "source"])
LOOP_FAILURES = Counter("yiqi_loop_failures", "A part of `work` failed and was started again", ["loop"])
COMMANDS = Counter("yiqi_commands", "RPC calls served", ["service", "name", "outcome"])
COMMAND_SECONDS = Histogram("yiqi_command_seconds", "Time to serve an RPC call", ["service"])
OUTSIDE_CALLS = Counter("yiqi_outside_calls", "Outside calls made", ["service", "kind", "outcome"])
TIMERS = Counter("yiqi_timers", "Timers run", ["service", "kind", "outcome"])
RECONCILIATION_ITEMS = Gauge(
    "yiqi_reconciliation_items", "What is not in order between the ledger and others", ["source", "state"]
)
INVARIANT_VIOLATIONS = Gauge(
    "yiqi_invariant_violations",
    "What did not hold at the last check, at most a hundred each",
    ["service", "invariant", "reach"],
)
