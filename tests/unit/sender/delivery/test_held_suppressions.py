"""Suppressions of a topic, where the campaign of a held message is not in the view."""

from typing import Any, cast

import pytest
from pymysql.cursors import Cursor

from campaign_common.store.core import campaigns
from campaign_common.store.messages.send_view import ChangedPerson, SuppressionView
from campaign_sender.delivery.held_suppressions import HeldSuppressions, Topics
from campaign_sender.message import Message
from tests.unit.sender.messages import CAMPAIGN, message

PHONE = message().record.phone


class Tables:
    """Answers the look-up of a person, and of the topic of a campaign that is stored or not."""

    def __init__(self, scope: str, topic: str | None, *, is_stored: bool) -> None:
        columns: tuple[Any, ...] = (
            "running",
            3,
            "at_least_once",
            "p",
            None,
            None,
            None,
            5,
            None,
            topic,
            None,
        )
        self._campaigns = [(CAMPAIGN, *columns)] if is_stored else []
        self._scopes = [(PHONE, scope)]
        self._answer: list[Any] = []

    def execute(self, statement: str, _: object = None) -> None:
        is_look_up = " suppressions " in statement
        assert is_look_up or statement == campaigns.SELECT_VERSIONS
        self._answer = list(self._scopes) if is_look_up else list(self._campaigns)

    def fetchall(self) -> list[Any]:
        return self._answer


class Held:
    def __init__(self, *held: Message) -> None:
        self._held = list(held)

    def held_for(self, _: object) -> list[Message]:
        return self._held


@pytest.mark.parametrize(
    ("topics", "stored_topic", "is_stored", "expected"),
    [
        pytest.param({CAMPAIGN: "offers"}, None, False, True, id="in the view"),
        pytest.param({CAMPAIGN: "news"}, "offers", True, False, id="in the view, another"),
        pytest.param({CAMPAIGN: None}, "offers", True, False, id="in the view, without"),
        pytest.param({}, "offers", True, True, id="read"),
        pytest.param({}, "news", True, False, id="read, another"),
        pytest.param({}, None, True, False, id="read, without"),
        pytest.param({}, None, False, True, id="gone"),
    ],
)
def test_no_topic_is_missed(
    topics: Topics, stored_topic: str | None, *, is_stored: bool, expected: bool
) -> None:
    """A change of a topic's suppression applies to held messages of campaigns not in the view."""
    held = message()
    suppressions = HeldSuppressions(Held(held))
    tables = cast("Cursor", Tables("topic:offers", stored_topic, is_stored=is_stored))
    nothing = SuppressionView(0, 0, is_empty=True, settled=0, changes=[], is_complete=True)
    suppressions.apply(tables, nothing, {CAMPAIGN: "other"})
    held.suppressed = False
    change = [ChangedPerson(1, 0.1, PHONE)]
    changed = nothing._replace(latest=1, is_empty=False, changes=change)
    suppressions.apply(tables, changed, topics)
    assert held.suppressed is expected
