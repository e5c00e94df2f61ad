"""Servers that the product talks to, or that stand in front of it."""
