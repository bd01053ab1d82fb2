"""The tests of a file are run as the connector would run their records."""
