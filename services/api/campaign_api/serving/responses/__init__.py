"""Responses as gunicorn writes them, and those that are made without the application."""
