"""Everything that knows AWS: credentials, signatures, HTTP, the call."""
