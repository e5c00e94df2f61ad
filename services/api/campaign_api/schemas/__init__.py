"""Schemas of requests and responses (marshmallow)."""
