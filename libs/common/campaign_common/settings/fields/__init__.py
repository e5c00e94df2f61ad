"""Marshmallow fields of the configuration: strict, with one expectation as every message."""
