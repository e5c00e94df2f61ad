"""Screens about people: one person, inbound messages, suppressions."""
