"""Sections of the configuration: frozen dataclasses whose fields declare the keys."""
