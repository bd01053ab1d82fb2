"""Whether calls are traced: where the standard variables of OpenTelemetry ask for it and the extra ``otel`` is there.

Nothing here stops records: what is missing or wrong costs the traces, and one line of the log. Without an endpoint
nothing of OpenTelemetry is even imported, and the sender stays what it was. How a call becomes a span is in spans.py.
"""

import os
from collections.abc import Callable, Mapping

import structlog

from connector.ports import Sender

log = structlog.get_logger()

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN = "http/protobuf"  # by the exporter of the extra

Traced = tuple[Sender, Callable[[float], None]]  # what to send with; what ends the traces within so many seconds


def traced(
    sender: Sender,
    endpoint: str,
    region: str,
    wall: Callable[[], float],
    environ: Mapping[str, str] = os.environ,
) -> Traced:
    """The sender, with a span for each call where that is asked for.

    Args:
        sender: what carries the calls.
        endpoint: the URL that calls go to.
        region: that of the service.
        wall: Unix seconds.
        environ: where the variables are looked up; the SDK itself reads the process's.
    """
    off: Traced = sender, _nothing
    if not _wanted(environ):
        return off
    protocol = _first(environ, PROTOCOLS) or SPOKEN
    if protocol != SPOKEN:
        return _without(off, f"expected the protocol {SPOKEN}, not {protocol}", f"set {PROTOCOLS[1]}={SPOKEN}")
    try:
        from connector.tracing import spans  # noqa: PLC0415  it imports the extra, which may be missing
    except ImportError:
        return _without(off, "the extra otel is not installed", "pip install 'putevents-connector[otel]'")
    try:
        provider = spans.exporting()
    except Exception as error:  # noqa: BLE001  whatever it is, records do not wait for it
        # Without its message: that may quote a variable, and with it what the collector is logged in to with.
        why = f"OpenTelemetry does not take its settings ({type(error).__name__})"
        return _without(off, why, "correct the OTEL_* variables")
    log.info("calls are traced")
    traces = spans.Spans(sender, provider, spans.target(endpoint, region), wall)
    return traces, traces.close


def _wanted(environ: Mapping[str, str]) -> bool:
    disabled = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    return bool(_first(environ, ENDPOINTS)) and not disabled and exporter != "none"


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    """The value of the first of these that has one."""
    return next(filter(None, (environ.get(name, "").strip() for name in names)), "")


def _without(off: Traced, why: str, what_to_do: str) -> Traced:
    log.warning("calls are not traced, though an endpoint for traces is set", why=why, what_to_do=what_to_do)
    return off


def _nothing(_: float) -> None:
    """There is nothing to end."""
