"""Providers deliver messages to phones: one module each, all implementing `contract`."""
