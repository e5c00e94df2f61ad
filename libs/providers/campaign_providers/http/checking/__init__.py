"""Checks: one request of a provider as it is shown, sent once, and its answer explained."""
