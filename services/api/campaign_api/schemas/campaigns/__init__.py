"""Requests about campaigns, and their responses."""
