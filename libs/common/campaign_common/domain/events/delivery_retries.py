"""Retries of a delivery to a webhook, and what its answers mean."""

from enum import StrEnum

GONE = 410
"""Status by which a receiver asks for no more events (Standard Webhooks 1.0)."""

RETRY_DELAYS = (5, 30, 5 * 60, 30 * 60, 2 * 3600, 6 * 3600, 16 * 3600)
"""Seconds from each failure to the next try; after the last one the delivery is given up."""


class DeliveryState(StrEnum):
    """State of a delivery: it waits for its next try, arrived, or is tried no more."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


def is_delivered(status: int | None) -> bool:
    """Return whether a status says that the event was taken; None: there was no answer."""
    return status is not None and 200 <= status < 300


def retry_delay(failures: int) -> int | None:
    """Return the seconds to the next try after so many failures; None: give up."""
    return RETRY_DELAYS[failures - 1] if failures <= len(RETRY_DELAYS) else None
