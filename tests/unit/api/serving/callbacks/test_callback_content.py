"""Content of verified callbacks, as it is stored and counted."""

from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from campaign_api.metrics import CallbackMetrics
from campaign_api.serving.callbacks.counted_writes import counted_inbound
from campaign_api.serving.callbacks.inbound_messages import inbound_messages
from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.store.inbound.inbound_messages import StoredInbound
from campaign_providers.callbacks.facts import Accepted, InboundText
from campaign_providers.callbacks.keywords.keywords import Keywords
from tests.support.inbound import NOW, PERSON, inbound

KEYWORDS = Keywords()
AT = datetime(2026, 3, 1, 12, 2, tzinfo=UTC)


def reported(**changes: Any) -> InboundText:  # noqa: ANN401 - any field
    fields: dict[str, Any] = {
        "provider_message_id": "1",
        "phone": PERSON,
        "recipient": "49800",
        "text": "when do you open?",
        "at": None,
        **changes,
    }
    return InboundText(**fields)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, {}, id="as it is reported"),
        pytest.param({"at": AT}, {"reported_at": NOW}, id="a time"),
        pytest.param({"text": "Stop!"}, {"keyword": KeywordKind.STOP}, id="a keyword"),
        pytest.param(
            {"text": "do not stop"},
            {"keyword": KeywordKind.STOP, "is_unsure": True},
            id="a keyword among others",
        ),
        pytest.param({"phone": "+49 176 1234-5678"}, {}, id="a number with punctuation"),
        pytest.param({"phone": "Shop"}, {"phone": "Shop"}, id="an address that is no number"),
        pytest.param({"recipient": None}, {"recipient": None}, id="without our number"),
    ],
)
def test_inbound_messages_are_stored_with_their_keywords(
    given: dict[str, Any], expected: dict[str, Any]
) -> None:
    (found,) = inbound_messages("gateway", Accepted(inbound=(reported(**given),)), KEYWORDS, AT)
    changes = {**{key: value for key, value in given.items() if key == "text"}, **expected}
    assert found == inbound("1", **changes)


def test_a_message_without_an_id_gets_a_digest() -> None:
    accepted = Accepted(inbound=(reported(provider_message_id=None),))
    assert inbound_messages("gateway", accepted, KEYWORDS, AT) == [inbound("")]


def test_messages_are_counted_once_by_their_keywords() -> None:
    registry = CollectorRegistry()
    stop = inbound("1", keyword=KeywordKind.STOP)
    unsure = inbound("2", keyword=KeywordKind.STOP, is_unsure=True)
    write = counted_inbound(
        lambda messages: [StoredInbound(n, each) for n, each in enumerate(messages[:3])],
        CallbackMetrics(registry),
    )
    write([stop, unsure, inbound("3"), stop, inbound("4", provider="other")])

    def number(name: str, **labels: str) -> float:
        return registry.get_sample_value(f"campaign_inbound_{name}_total", labels) or 0

    words = ("stop", "start", "help", "unsure", "none")
    stored = [number("messages", provider="gateway", keyword=word) for word in words]
    assert stored == [1, 0, 0, 1, 1]
    assert number("repeated", provider="gateway") == 1
    assert number("repeated", provider="other") == 1
