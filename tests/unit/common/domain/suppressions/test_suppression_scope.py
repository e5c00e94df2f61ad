import pytest

from campaign_common.domain.suppressions.suppression_scope import (
    applies,
    require_suppression_scope,
    scope_of_answer,
)
from campaign_common.errors import SuppressionScopeInvalid


@pytest.mark.parametrize(
    "text",
    ["*", "provider:Twilio", "sender:shop", "sender:491701234567", "sender:12345", "topic:Offers"],
)
def test_scopes_are_taken_as_they_are(text: str) -> None:
    assert require_suppression_scope(text) == text


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        pytest.param("sender:Shop", "sender:shop", id="capitals"),
        pytest.param("sender:+491701234567", "sender:491701234567", id="international"),
        pytest.param("sender:ÉÄß", "sender:éäß", id="letters of the alphabet"),
        pytest.param("sender:ÇΔ", "sender:ÇΔ", id="letters without a small one in the alphabet"),
    ],
)
def test_an_originator_is_one_scope_in_all_forms(text: str, scope: str) -> None:
    assert require_suppression_scope(text) == scope
    assert require_suppression_scope(scope) == scope
    assert applies([scope], "p", text.removeprefix("sender:"), None)


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
        pytest.param(["provider:q", "sender:b", "topic:u"], False, id="others"),
        pytest.param(["provider:q", "sender:a"], True, id="its originator"),
        pytest.param(["topic:t"], True, id="its topic"),
    ],
)
def test_a_message_is_suppressed_by_any_scope_of_it(scopes: list[str], expected: bool) -> None:
    assert applies(scopes, "p", "A", "t") is expected


def test_no_originator_and_no_topic_are_no_scope() -> None:
    assert not applies(["sender:None", "topic:None", "sender:", "topic:"], "p", None, None)


def test_an_answer_is_about_the_originator_where_it_is_known() -> None:
    assert scope_of_answer("p", "Shop") == "sender:shop"
    assert scope_of_answer("p", None) == "provider:p"


@pytest.mark.parametrize("from_", ["MG0123456789abcdef0123456789abcdef", "shop_{x}", " ", "a" * 64])
def test_the_scope_of_an_answer_can_be_removed(from_: str) -> None:
    """`From` of a provider may be a name for a sender, such as a pool of numbers."""
    scope = scope_of_answer("p", from_)
    assert scope == "provider:p"
    assert require_suppression_scope(scope) == scope
