"""The wall clock of whole processes, shifted: which tests mix a fixed date with today's?

``make shifted`` runs the tests that need no broker with the clock some days off. `shift.preload` builds the library
that does it, from ``shift.c``. It is our own because the Kafka client hangs under libfaketime (see
docs/decisions/0014-tests-with-a-shifted-clock.md).
"""
