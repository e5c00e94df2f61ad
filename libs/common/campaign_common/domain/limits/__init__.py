"""Limits of a provider: amounts, slots of one second, and the grants in them. No SQL, no clock."""
