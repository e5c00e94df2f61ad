"""Fan-out: the recipients of running campaigns become records in Kafka."""
