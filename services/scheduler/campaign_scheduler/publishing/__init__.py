"""Building records and publishing them to Kafka."""
