"""Callbacks of providers: their bytes are verified, and turned into receipts and messages."""
