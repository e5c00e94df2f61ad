"""Consuming: fetch Kafka records, decode them, and stop fetching where nothing can be taken."""
