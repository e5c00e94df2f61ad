"""Counts of what makes the code easy or hard to read, and limits that they must not exceed."""
