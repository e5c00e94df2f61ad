"""Suppressions: reading, adding, removing, importing."""
