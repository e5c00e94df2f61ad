"""Everything the services share: configuration, domain, MySQL stores, Kafka."""
