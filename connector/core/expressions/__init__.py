"""JMESPath: checked when the file is read, compiled once to closures, bounded in time."""
