"""Webhooks: making, changing, testing, and the log of their deliveries."""
