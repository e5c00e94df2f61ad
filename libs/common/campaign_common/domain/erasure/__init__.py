"""Erasure of a person: the search for a number in texts, and the keyed hash that stays."""
