"""Webhooks in requests and responses."""
