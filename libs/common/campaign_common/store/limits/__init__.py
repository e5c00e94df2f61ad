"""Limits of providers: live values, slots, demand and days."""
