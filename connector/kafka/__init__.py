"""Everything that knows confluent_kafka: reading, committing, dead letters, logging in."""
