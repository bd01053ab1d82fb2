"""Core is pure: no I/O, clock, randomness, threads or logging.

Time and random numbers are arguments, data errors are values. ``mapping`` turns a record into entries, with the help
of ``expressions``; ``sending`` turns entries into calls. The two wings share only ``records`` and the few modules
beside it.
"""
