"""Screens about campaigns: all of them, one live, and what is planned."""
