"""Exit codes, a contract; named after sysexits.h, so that schedulers and people can look them up."""

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended."""

    OK = 0
    NOT_OK = 1  # what was asked about is not so
    FLOOD = 65  # nearly all records of a pipeline are invalid, and the file says to stop then
    UNAVAILABLE = 69  # Kafka out of reach, a topic missing
    BUG = 70  # ours
    CANNOT_WRITE = 74  # standard output is closed or full
    REFUSED = 77  # by AWS or Kafka
    BAD_FILE = 78  # the configuration
