"""The scenarios that are measured, one in each file."""
