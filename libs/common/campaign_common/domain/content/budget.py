"""Budget of a campaign: how much its sends may cost, and what a message costs of it."""

from decimal import Decimal
from typing import NamedTuple

from campaign_common.domain.content.price import Charge, Price
from campaign_common.domain.message_record import MessageRecord
from campaign_common.domain.sms_segments import segmentation

LONGEST_BUDGET = 9
"""Digits of a budget before the point, at most."""


class Budget(NamedTuple):
    """Amount of a currency (ISO 4217) that the sends of a campaign may cost."""

    amount: Decimal
    currency: str


class BudgetUse(NamedTuple):
    """Budget, and the part of it that senders hold or have used."""

    amount: Decimal
    currency: str
    taken: Decimal

    @property
    def left(self) -> Decimal:
        """Amount that may still be taken."""
        return max(Decimal(), self.amount - self.taken)


def cost_of(record: MessageRecord, price: Price) -> Charge:
    """Return the cost of one send of a message; a template of the provider counts as a segment."""
    segments = 1 if record.template is not None else segmentation(record.body).segments
    return price.cost_of(record.phone, segments)
