"""Receipts: reports of providers about messages that were sent."""
