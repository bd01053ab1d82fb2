"""Turns tracing on where OpenTelemetry's standard variables ask for it and the extra ``otel`` is installed.

Nothing here stops records: a missing extra or a wrong variable costs the traces, and logs one line. Without an endpoint
OpenTelemetry is not even imported. spans.py turns a call into a span.
"""

import os
from collections.abc import Callable, Mapping

import structlog

from connector.ports import Sender

log = structlog.get_logger()

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN = "http/protobuf"  # what the exporter of the extra supports

Traced = tuple[
    Sender, Callable[[float], None]
]  # the sender to use; a function that ends tracing within so many seconds


def traced(
    sender: Sender,
    endpoint: str,
    region: str,
    wall: Callable[[], float],
    environ: Mapping[str, str] = os.environ,
) -> Traced:
    """The sender, wrapped to record a span for each call where the variables ask for it.

    Args:
        sender: makes the calls.
        endpoint: the URL that calls go to.
        region: of the service.
        wall: Unix seconds.
        environ: where the variables are read; the SDK itself reads the process's own.
    """
    off: Traced = sender, _nothing
    if not _wanted(environ):
        return off
    protocol = _first(environ, PROTOCOLS) or SPOKEN
    if protocol != SPOKEN:
        return _without(off, f"expected the protocol {SPOKEN}, not {protocol}", f"set {PROTOCOLS[1]}={SPOKEN}")
    try:
        from connector.tracing import spans  # noqa: PLC0415  the extra may not be installed
    except ImportError:
        return _without(off, "the extra otel is not installed", "pip install 'putevents-connector[otel]'")
    try:
        provider = spans.exporting()
    except Exception as error:  # noqa: BLE001  tracing must never stop records
        # The error's message may quote a variable, and so the collector's credentials.
        why = f"OpenTelemetry rejects its settings ({type(error).__name__})"
        return _without(off, why, "correct the OTEL_* variables")
    log.info("calls are traced")
    traces = spans.Spans(sender, provider, spans.target(endpoint, region), wall)
    return traces, traces.close


def _wanted(environ: Mapping[str, str]) -> bool:
    disabled = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    return bool(_first(environ, ENDPOINTS)) and not disabled and exporter != "none"


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    """The value of the first of these variables that is set."""
    return next(filter(None, (environ.get(name, "").strip() for name in names)), "")


def _without(off: Traced, why: str, what_to_do: str) -> Traced:
    log.warning("calls are not traced, though an endpoint for traces is set", why=why, what_to_do=what_to_do)
    return off


def _nothing(_: float) -> None:
    """Tracing is off: there is nothing to end."""
