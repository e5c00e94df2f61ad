"""Verbs for what an installation has once: its API keys and its webhooks."""
