"""Entries become calls: in order within a session, within the rate limit; and offsets become committable."""
