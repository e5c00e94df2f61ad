"""Screens of what an installation is set to: providers, API keys, webhooks; the audit."""
