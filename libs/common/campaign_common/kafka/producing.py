"""A producer that is replaced once it has died, and publishing with all acknowledgements."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message

from campaign_common.errors import KafkaUnavailable
from campaign_common.kafka.batches import SplittingProducer

PURGE_WAIT = 1.0
"""Seconds to serve the reports of purged records for, at a time."""

PURGE_ROUNDS = 30
"""Such waits, at most."""

_FATAL = frozenset({KafkaError._FATAL, KafkaError._FENCED})  # noqa: SLF001 - constants
_PURGED = frozenset({KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT})  # noqa: SLF001

Record = dict[str, Any]
"""The arguments of `Producer.produce` for a record, without its topic."""


class ReplacedProducer:
    """One producer at a time; one that has died makes room for a new one.

    A producer dies of a fatal error, whatever that is: a lost producer id, or the missing right to
    get one (KIP-98, KIP-360). It refuses every record from then on. What it had not delivered
    counts as not published, also where a broker has it: such a record comes twice, and is stale the
    second time (protocol rules 1 and 8). The new one gets a producer id of its own.

    Not shared between threads.
    """

    def __init__(self, make: Callable[[], SplittingProducer]) -> None:
        self._make = make
        self._current: SplittingProducer | None = None
        self._death: KafkaError | None = None
        self._last_death: KafkaError | None = None

    def get(self) -> SplittingProducer:
        """Return the producer, which is a new one after a death."""
        if self._death is not None:
            self.abandon()
        if self._current is None:
            self._current = self._make()
        return self._current

    def poll(self, seconds: float) -> None:
        """Serve delivery reports, waiting up to `seconds` for the first."""
        if self._current is not None:
            try:
                self._current.poll(seconds)
            except KafkaException as error:
                self._note(error)

    def flush(self, seconds: float) -> int:
        """Wait up to `seconds` for all delivery reports; return how many are missing."""
        if self._current is None:
            return 0
        try:
            return self._current.flush(seconds)
        except KafkaException as error:
            self._note(error)
            return self._current.flush(seconds)  # what it had not delivered is reported now

    def cause_of(self, error: KafkaError) -> KafkaError:
        """Return why a record was not delivered: what the producer has died of, where it has.

        A dead one gives up what is queued or on its way, which is reported as failed here.
        """
        self.poll(0)  # lets the client say what it has died of
        if self._death is None and self._current is not None and _is_fatal(error):
            self._death = error
        if self._death is not None:
            self.abandon()
        elif not (_is_fatal(error) or error.code() in _PURGED):
            return error
        return self._last_death or error

    def abandon(self) -> None:
        """Give up what is queued or on its way, reporting it as failed, and the producer."""
        dead, self._current = self._current, None
        self._last_death, self._death = self._death or self._last_death, None
        if dead is None:
            return
        dead.purge()
        for _ in range(PURGE_ROUNDS):
            with suppress(KafkaException):
                if not dead.flush(PURGE_WAIT):
                    return

    def publish(self, topic: str, records: Iterable[Record], timeout: float) -> int:
        """Publish records and wait for every acknowledgement; return how many there were.

        `timeout`: seconds to wait after the last record.

        Raises:
            KafkaUnavailable: not all were acknowledged, and why; any of them may be published.
        """
        failures: list[KafkaError] = []

        def on_delivery(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append(error)

        producer = self.get()
        count = 0
        try:
            for record in records:
                producer.produce(topic, on_delivery=on_delivery, **record)
                self.poll(0)
                count += 1
        except BufferError as error:
            raise KafkaUnavailable(f"publishing to {topic}: {error}") from error
        except KafkaException as error:
            failures.append(error.args[0])
        unacknowledged = 0 if failures else self.flush(timeout)
        if failures or unacknowledged:
            cause = self.cause_of(failures[0]) if failures else self._death
            why = cause.str() if cause else "no acknowledgement in time"
            raise KafkaUnavailable(f"publishing to {topic}: {why}")
        return count

    def _note(self, error: KafkaException) -> None:
        """Take an error that the client raises, which it does once for a fatal one.

        Raises:
            KafkaException: it is another one.
        """
        if not error.args[0].fatal():
            raise error
        self._death = error.args[0]


def _is_fatal(error: KafkaError) -> bool:
    return error.fatal() or error.code() in _FATAL
