"""Statements that the other packages of the store share: campaigns, their events and counters."""
