"""Providers carry messages to phones: one module each, all under `contract`."""
