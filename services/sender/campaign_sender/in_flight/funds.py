"""Funds: the money of campaigns with a budget, as the in-flight buffer asks for it."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from campaign_sender.message import Message


class Reserved(NamedTuple):
    """Messages that may be sent, and those for which there is no money now."""

    funded: list[Message]
    short: Sequence[Message]


class Funds(Protocol):
    """Money for messages of campaigns with a budget; from any thread."""

    def reserve(self, messages: list[Message]) -> Reserved:
        """Reserve the cost of each message that is to be claimed."""

    def give_back(self, messages: Sequence[Message]) -> None:
        """Give back what is reserved for messages that do not start."""


class NoBudgets:
    """Funds of a sender that knows no campaign with a budget."""

    def reserve(self, messages: list[Message]) -> Reserved:
        """Reserve nothing."""
        return Reserved(messages, ())

    def give_back(self, messages: Sequence[Message]) -> None:
        """Give nothing back."""
