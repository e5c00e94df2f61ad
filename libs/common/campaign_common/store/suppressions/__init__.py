"""Suppressions on the main server: their rows, the log of their changes, their imports."""
