"""OpenTelemetry: a span for each call, where it is asked for."""
