"""The stages of delivery that a provider reports, in their order."""

from enum import IntEnum


class ReceiptRank(IntEnum):
    """The furthest stage that is known of a message; of several reports the highest counts.

    A maximum does not depend on the order of reports, nor on repetitions. `delivered` stands above
    `undelivered` since it is evidence, and the times of providers do not say which came later.
    """

    NONE = 0
    """Nothing was reported, or nothing that says where the message is."""
    ACCEPTED = 1
    """The provider has it, and has not passed it on."""
    SENT = 2
    """The provider has passed it on towards the phone."""
    UNDELIVERED = 3
    """It did not reach the phone: refused, expired, deleted or failed on the way."""
    DELIVERED = 4
    """It reached the phone."""
    READ = 5
    """The person has opened it."""

    @classmethod
    def named(cls, word: str) -> "ReceiptRank":
        """Return the rank of a name in lower case.

        Raises:
            KeyError: no rank has this name.
        """
        return cls[word.upper()]

    @property
    def word(self) -> str:
        """The name as the API and mappings write it."""
        return self.name.lower()

    @property
    def is_final(self) -> bool:
        """Return whether it says what became of the message: it did not arrive, or it did."""
        return self >= ReceiptRank.UNDELIVERED
