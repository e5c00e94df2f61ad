"""Statements of single messages: outcomes, retries, sends in doubt, and the check before a send."""
