"""A decoded record becomes entries for a call, by the rules of the file."""
