"""Screens of a new campaign: its list, message, check, time and confirmation."""
