"""Idempotency keys: a repeated request is carried out once."""
