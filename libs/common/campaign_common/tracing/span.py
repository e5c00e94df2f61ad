"""The interface of tracing for the parts of a service."""

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Protocol

Attributes = Mapping[str, str | int | float]


class SpanRole(Enum):
    """The role of a span towards those before and after it."""

    SERVER = auto()
    """Answers a request."""
    PRODUCER = auto()
    """Puts into Kafka what others take from it."""
    CONSUMER = auto()
    """Takes it from there."""


class Span(Protocol):
    """Work that is under way."""

    @property
    def traceparent(self) -> str:
        """This span as the parent of what comes of it."""

    def end(self, attributes: Attributes, *, failure: str | None = None) -> None:
        """End the work, with what is known of it now; `failure` says why it came to nothing."""


class Tracing(Protocol):
    """Begins spans; may be used from any thread."""

    def begin(
        self, name: str, kind: SpanRole, origins: Sequence[str], *, at: int | None = None
    ) -> Span:
        """Begin a span.

        Of its `origins`, traceparents, the first one is its parent and the others are linked;
        without any that is well formed it begins a trace. `at`: since when the work has been
        under way, in nanoseconds since 1970.
        """

    def close(self, seconds: float) -> None:
        """Hand over what has ended, for so many seconds at most, and take nothing more."""
