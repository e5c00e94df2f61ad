"""Receipts: what providers report about messages, beside the ledger."""
