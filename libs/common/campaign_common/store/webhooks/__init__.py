"""Webhooks, the events that they are told of, and the log of their deliveries."""
