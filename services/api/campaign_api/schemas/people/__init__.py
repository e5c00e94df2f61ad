"""Schemas about people, over all campaigns."""
