"""Recipient lists: taking a CSV in, by path or by upload, and reading what came of it."""
