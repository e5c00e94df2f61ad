"""Suppressions: people who do not want to be written to, and what that applies to."""
