"""Statements of API keys and idempotent requests."""
