"""Purging of old campaigns, and checks of the consistency of those that are there."""
