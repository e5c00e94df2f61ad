"""Uses that references are made for."""

from enum import IntEnum


class ReferencePurpose(IntEnum):
    """The use that a reference was made for."""

    RECEIPT = 0
    """Receipts of a message of a campaign."""
    TEST = 1
    """Receipts of a test message, or of a check; its seq is the id of that."""
    ANSWER = 2
    """Receipts of a single answer to an inbound message."""
    UNSUBSCRIBE = 3
    """The link in a message by which a person unsubscribes."""
    INBOUND = 4
    """The URL of a gateway that signs nothing, for inbound messages; it names no message."""


LARGEST_SEQ = 2**32 - 1
"""Largest seq that a reference has room for."""
