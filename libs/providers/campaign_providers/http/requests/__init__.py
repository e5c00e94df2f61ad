"""Requests: templates, compiled once, and the values of a message that are put into them."""
