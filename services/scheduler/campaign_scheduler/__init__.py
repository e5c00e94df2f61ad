"""The scheduler: starts due campaigns, fans them out into Kafka, finishes them."""
