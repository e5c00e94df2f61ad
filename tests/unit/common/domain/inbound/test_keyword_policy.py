"""Effects of keywords, as the configuration decides them."""

from dataclasses import replace
from datetime import datetime

import pytest

from campaign_common.domain.inbound.inbound_message import InboundMessage
from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.domain.inbound.keyword_policy import (
    InboundProvider,
    KeywordAnswer,
    KeywordPolicy,
    StopScope,
    is_acted_on,
)

OURS = "4915199990000"
STOP = InboundMessage(
    provider="one",
    provider_message_id="id-1",
    phone="4915100000001",
    recipient=OURS,
    text="STOP",
    reported_at=None,
    received_at=datetime(2026, 1, 2),  # noqa: DTZ001 - UTC, naive
    keyword=KeywordKind.STOP,
)
NUMBER = InboundProvider(originator=f"+{OURS}", takes_originator=True)
POOL = InboundProvider(originator="MG0123456789abcdef0123456789abcdef", takes_originator=True)
LETTERS = InboundProvider(originator="Shop", takes_originator=True)


@pytest.mark.parametrize(
    ("wanted", "provider", "recipient", "scope"),
    [
        pytest.param(StopScope.EVERYTHING, NUMBER, OURS, "*", id="everything"),
        pytest.param(StopScope.PROVIDER, NUMBER, OURS, "provider:one", id="provider"),
        pytest.param(StopScope.SENDER, NUMBER, OURS, f"sender:{OURS}", id="sender"),
        pytest.param(StopScope.SENDER, LETTERS, OURS, f"sender:{OURS}", id="beside-letters"),
        pytest.param(StopScope.SENDER, POOL, OURS, "provider:one", id="pool"),
        pytest.param(StopScope.SENDER, NUMBER, None, "provider:one", id="number-not-known"),
        pytest.param(StopScope.SENDER, NUMBER, "x" * 64, "provider:one", id="no-originator"),
    ],
)
def test_a_stop_has_the_configured_scope(
    wanted: StopScope, provider: InboundProvider, recipient: str | None, scope: str
) -> None:
    policy = KeywordPolicy(stop_scope=wanted, providers={"one": provider})
    assert policy.scope_of_stop(replace(STOP, recipient=recipient)) == scope


@pytest.mark.parametrize("wanted", StopScope)
@pytest.mark.parametrize("provider", [NUMBER, LETTERS, POOL])
def test_a_start_lifts_whatever_a_stop_may_have_set(
    wanted: StopScope, provider: InboundProvider
) -> None:
    policy = KeywordPolicy(stop_scope=wanted, providers={"one": provider})
    assert policy.scope_of_stop(STOP) in KeywordPolicy().scopes_of_start(STOP)


TEXTS = {KeywordKind.STOP: "gone"}
CARRIER = replace(NUMBER, answers_itself=True)


@pytest.mark.parametrize(
    ("provider", "changes", "answer"),
    [
        pytest.param(NUMBER, {}, KeywordAnswer("gone", None), id="from-the-configured-number"),
        pytest.param(LETTERS, {}, KeywordAnswer("gone", OURS), id="from-our-number"),
        pytest.param(
            replace(POOL, writes_plus=True), {}, KeywordAnswer("gone", f"+{OURS}"), id="with-a-plus"
        ),
        pytest.param(
            replace(POOL, writes_plus=True),
            {"recipient": "12345"},
            KeywordAnswer("gone", "12345"),
            id="from-a-short-code",
        ),
        pytest.param(
            InboundProvider(), {}, KeywordAnswer("gone", None), id="no-place-for-a-number"
        ),
        pytest.param(
            LETTERS, {"recipient": None}, KeywordAnswer("gone", None), id="number-not-known"
        ),
        pytest.param(CARRIER, {}, None, id="carrier-answers"),
        pytest.param(NUMBER, {"keyword": KeywordKind.HELP}, None, id="no-text"),
        pytest.param(NUMBER, {"phone": "123456"}, None, id="to-a-service"),
    ],
)
def test_answers_are_those_of_the_configuration(
    provider: InboundProvider, changes: dict[str, object], answer: KeywordAnswer | None
) -> None:
    policy = KeywordPolicy(answers=TEXTS, providers={"one": provider})
    assert policy.answer_to(replace(STOP, **changes)) == answer  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, True, id="keyword"),
        pytest.param({"keyword": None}, False, id="another-text"),
        pytest.param({"is_unsure": True}, False, id="unsure"),
        pytest.param({"phone": "Shop"}, False, id="letters"),
        pytest.param({"phone": "49151000000000010"}, False, id="too-long"),
        pytest.param({"phone": "\u0664\u0669\u0661\u0665\u0661"}, False, id="other-digits"),
    ],
)
def test_only_sure_keywords_of_people_are_acted_on(
    changes: dict[str, object], expected: bool
) -> None:
    assert is_acted_on(replace(STOP, **changes)) is expected  # type: ignore[arg-type]
