"""Sections about people: what is kept of them, and who is not written to."""
