"""Campaigns: creation, changes, trial messages, dry runs, progress and history."""
