"""Statements of shards: their tables and servers, claims, commands, and the partition map."""
