"""A whole environment on one machine: an embedded broker, a PutEvents endpoint with faults to order, and the demo."""
