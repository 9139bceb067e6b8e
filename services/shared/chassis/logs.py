"""One line of JSON per thing that happened, with what ties it to the request that caused it."""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar, Token
from typing import Any

import structlog

_FACTS: ContextVar[Mapping[str, str]] = ContextVar("facts")
_process: dict[str, str] = {}


class about:  # noqa: N801 - reads as the statement it is
    """
    `with logs.about(correlation_id=…):` whatever is logged inside says so too.

    One variable for all facts, since this stands around each event and each call: structlog's own keeps
    one for each name, which costs an event as much as reading it.
    """

    __slots__ = ("_facts", "_token")
    _token: Token[Mapping[str, str]]

    def __init__(self, **facts: str) -> None:
        self._facts = facts

    def __enter__(self) -> None:
        outer = _FACTS.get(None)
        self._token = _FACTS.set({**outer, **self._facts} if outer else self._facts)

    def __exit__(self, *_: object) -> None:
        _FACTS.reset(self._token)


def _with_facts(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in (_FACTS.get(None) or {}).items():
        line.setdefault(name, value)
    for name, value in _process.items():
        line.setdefault(name, value)
    return line


def configure(process: str, level: str = "info", style: str = "json") -> None:
    """Set up structlog and the standard library's logging to write to standard error."""
    shared: list[Any] = [
        _with_facts,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if style == "json"
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)  # no locals: secrets
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    _process["process"] = process


def logger(name: str) -> Any:
    """The logger of one module; *name* is what an operator greps for."""
    return structlog.get_logger(component=name)
