"""Delivery: claimed messages on their way to a provider, and the checks before each send."""
