"""Signed references in the links by which people unsubscribe."""
