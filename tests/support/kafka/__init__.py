"""A real Apache Kafka for the tests that the embedded broker cannot serve.

`find.find_broker` says where it comes from; `broker.KafkaCluster` is Kafka's own jars on this machine's JDK;
``python -m tests.support.kafka`` starts one by hand.
"""
