"""Changes of a campaign's state, as the events that webhooks are told of."""

import pytest

from campaign_common.domain.events.delivery_retries import is_delivered, retry_delay
from campaign_common.domain.events.event_kind import kind_of_change


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (None, "draft", None),
        (None, "scheduled", "campaign.scheduled"),
        ("draft", "scheduled", "campaign.scheduled"),
        ("scheduled", "draft", None),
        ("scheduled", "running", "campaign.started"),
        ("scheduled", "failed", "campaign.failed"),
        ("running", "paused", "campaign.paused"),
        ("paused", "running", "campaign.resumed"),
        ("finished", "running", "campaign.resumed"),
        ("running", "running", None),
        ("running", "finished", "campaign.finished"),
        ("paused", "cancelled", "campaign.cancelled"),
        ("draft", None, None),
    ],
)
def test_kind_of_a_change(before: str | None, after: str | None, kind: str | None) -> None:
    assert kind_of_change(before, after) == kind


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(1, 5), (2, 30), (3, 300), (4, 1800), (5, 7200), (6, 21600), (7, 57600), (8, None)],
)
def test_pause_after_a_failure(failures: int, seconds: int | None) -> None:
    assert retry_delay(failures) == seconds


@pytest.mark.parametrize(
    ("status", "arrived"),
    [
        (200, True),
        (204, True),
        (299, True),
        (302, False),
        (410, False),
        (500, False),
        (None, False),
    ],
)
def test_statuses_of_an_event_that_arrived(status: int | None, *, arrived: bool) -> None:
    assert is_delivered(status) is arrived
