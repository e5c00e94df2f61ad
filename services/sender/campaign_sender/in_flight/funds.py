"""Funds: the money of campaigns with a budget, as the in-flight buffer asks for it."""

from collections.abc import Container, Sequence
from typing import NamedTuple, Protocol

from campaign_common.domain.campaign import CampaignId
from campaign_sender.message import Message


class Reserved(NamedTuple):
    """Messages that may be sent, and those for which there is no money now."""

    funded: list[Message]
    short: Sequence[Message]


class Funds(Protocol):
    """Money for messages of campaigns with a budget; from any thread."""

    def reserve(self, messages: list[Message], waiting: Container[CampaignId] = ()) -> Reserved:
        """Reserve the cost of each message that is to be claimed.

        After the first message of a campaign that can not be paid for, later ones wait too.
        `waiting`: campaigns of which messages wait already.
        """

    def give_back(self, messages: Sequence[Message]) -> None:
        """Give back what is reserved for messages that do not start."""

    def note_transaction(self, seconds: float) -> None:
        """Note the time from the choice of claims to the end of their transaction."""


class NoBudgets:
    """Funds of a sender that knows no campaign with a budget."""

    def reserve(
        self,
        messages: list[Message],
        waiting: Container[CampaignId] = (),  # noqa: ARG002 - the protocol's
    ) -> Reserved:
        """Reserve nothing."""
        return Reserved(messages, ())

    def give_back(self, messages: Sequence[Message]) -> None:
        """Give nothing back."""

    def note_transaction(self, seconds: float) -> None:
        """Note nothing."""
