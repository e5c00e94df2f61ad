import pytest

from campaign_common.domain.suppressions.suppression_scope import (
    applies,
    require_suppression_scope,
    scope_of_answer,
)
from campaign_common.errors import SuppressionScopeInvalid


@pytest.mark.parametrize(
    "text",
    ["*", "provider:twilio", "sender:Shop", "sender:+491701234567", "sender:12345", "topic:offers"],
)
def test_scopes_are_taken_as_they_are(text: str) -> None:
    assert require_suppression_scope(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "**",
            "all",
            "provider",
            "provider:",
            "provider:a b",
            "sender:",
            "topic:",
            "topic: a",
        ),
        *("sender:longer than eleven", "channel:sms", f"topic:{'a' * 65}", f"provider:{'a' * 65}"),
    ],
)
def test_what_is_no_scope_is_refused(text: str) -> None:
    with pytest.raises(SuppressionScopeInvalid):
        require_suppression_scope(text)


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        pytest.param([], False, id="none"),
        pytest.param(["*"], True, id="everything"),
        pytest.param(["provider:p"], True, id="its provider"),
        pytest.param(["provider:q", "sender:B", "topic:u"], False, id="others"),
        pytest.param(["provider:q", "sender:A"], True, id="its originator"),
        pytest.param(["topic:t"], True, id="its topic"),
    ],
)
def test_a_message_is_suppressed_by_any_scope_of_it(scopes: list[str], expected: bool) -> None:
    assert applies(scopes, "p", "A", "t") is expected


def test_no_originator_and_no_topic_are_no_scope() -> None:
    assert not applies(["sender:None", "topic:None", "sender:", "topic:"], "p", None, None)


def test_an_answer_is_about_the_originator_where_it_is_known() -> None:
    assert scope_of_answer("p", "Shop") == "sender:Shop"
    assert scope_of_answer("p", None) == "provider:p"
