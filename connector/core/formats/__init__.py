"""Bytes become documents: formats, compression, registry frames and envelopes."""
