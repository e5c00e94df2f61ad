"""MySQL stores: every SQL statement of the system stands in one of these modules.

Functions take the cursor of a transaction that their caller opened and ends.
"""
