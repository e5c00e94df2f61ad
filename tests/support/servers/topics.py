"""Topics of tests, deleted at their end."""

from collections.abc import Iterable
from contextlib import suppress

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

LONGEST_WAIT = 10.0
"""Seconds."""


def delete_topics(admin: AdminClient, names: Iterable[str]) -> None:
    """Delete topics, as far as they and the broker are there, and end the client.

    A client that is left with a request under way may be freed by its own thread, when that one
    happens to collect garbage; librdkafka then aborts the process.
    """
    with admin:
        for future in admin.delete_topics(list(names)).values():
            with suppress(KafkaException, TimeoutError):
                future.result(LONGEST_WAIT)
