"""Requests for checks of a provider."""

import pytest
from marshmallow import ValidationError

from campaign_api.schemas.provider_check import CheckRequest


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"phone": "12"}, "phone"),
        ({"phone": 4917612345678}, "phone"),
        ({"dry_run": 1}, "dry_run"),
        ({"dry_run": "true"}, "dry_run"),
        ({"content": {"kind": "text"}}, "content"),
        ({"content": {"kind": "image", "template": "x"}}, "content"),
        ({"from": "a sender that is too long for a phone"}, "from"),
        ({"colour": 1}, "colour"),
    ],
)
def test_what_no_check_has_is_refused(body: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        CheckRequest().load(body)
    assert list(refused.value.normalized_messages()) == [field]


def test_a_request_is_a_send_unless_it_says_otherwise() -> None:
    assert CheckRequest().load({"phone": "+49 176 12345678"}) == {
        "phone": "4917612345678",
        "dry_run": False,
    }
