"""Suppressions that follow from other things than requests: hard bounces."""

from typing import Literal

from campaign_common.settings.declaration import Section, key, section_class
from campaign_common.settings.fields.plain import Choice, Duration, Int

EVERYTHING, ONE_PROVIDER = "*", "provider"


@section_class
class HardBouncesSettings:
    """People whose number does not exist any more, by the codes of `Callbacks.HardBounces`."""

    after: int | None = key("After", Int(1, 50, null=True), default=None)
    """The number of messages in a row that were not delivered, with such a code, after which the
    person is suppressed; `null`: never. After a delivered message counting
    begins again."""
    scope: Literal["provider", "*"] = key(
        "Scope", Choice(ONE_PROVIDER, EVERYTHING), default=ONE_PROVIDER
    )
    """`provider`: the messages of each provider count on their own, and the person is suppressed
    for it alone; `*`: those of all providers count together, and the person is sent nothing."""
    duration: float | None = key("For", Duration("1h", "87600h", null=True), default=None)
    """The time for which the person is suppressed; `null`: without end."""


@section_class
class SuppressionsSettings:
    """Suppressions that follow from receipts."""

    hard_bounces: HardBouncesSettings = key("HardBounces", Section(HardBouncesSettings), default={})
