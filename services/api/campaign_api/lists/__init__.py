"""Recipient lists: import of CSV files, by path or by upload, and listings."""
