"""A provider that keeps a record of every send."""
