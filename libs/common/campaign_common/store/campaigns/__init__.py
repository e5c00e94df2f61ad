"""Statements of a campaign's life: drafts, changes of state, leases, fan-out and its end."""
