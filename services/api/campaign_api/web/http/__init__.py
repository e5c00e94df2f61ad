"""Requests and responses: JSON bodies, problem documents, pages."""
