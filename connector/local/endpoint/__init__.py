"""A local PutEvents endpoint: enforces every service limit; faults can be injected."""
