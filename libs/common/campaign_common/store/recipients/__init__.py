"""Statements of recipient lists, their recipients, and the history and erasure of a person."""
