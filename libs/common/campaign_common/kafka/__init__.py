"""Clients of Kafka, the topic and its partitions, and dead letters."""
