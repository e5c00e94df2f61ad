"""Rules of `Answers` as a check names them."""

import pytest

from campaign_common.settings import AnswerRules
from campaign_providers.http.checking.rules import described
from tests.unit.providers.gateways import gateway


def rules(*written: dict[str, object]) -> AnswerRules:
    return gateway(Answers=list(written)).answers


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (
            {"Status": "2xx", "Then": "success", "Id": "a.0.id"},
            "Status: 2xx, Then: success, Id: a.0.id",
        ),
        ({"Status": [429, "5xx"], "Then": "throttled"}, "Status: [429, 5xx], Then: throttled"),
        (
            {"Json": {"code": [1, 2], "x": {"Matches": "^a"}}, "Then": "account", "Code": "code"},
            "Json: {code: [1, 2], x: {Matches: '^a'}}, Then: account, Code: code",
        ),
        (
            {"Status": 400, "Text": "STOP", "Then": "permanent", "Effect": "suppress"},
            "Status: 400, Text: 'STOP', Then: permanent, Effect: suppress",
        ),
        (
            {"Status": 503, "Then": "retryable", "RetryAfter": {"Json": "wait.s"}},
            "Status: 503, Then: retryable, RetryAfter: {Json: wait.s}",
        ),
        (
            {"Transport": ["timeout", "connection_lost"], "Then": "ambiguous"},
            "Transport: [connection_lost, timeout], Then: ambiguous",
        ),
    ],
)
def test_a_rule_is_named_as_it_is_written(rule: dict[str, object], text: str) -> None:
    known = rules({"Status": 418, "Then": "permanent"}, rule)
    assert described(known[1], known, None) == f"rule 2 of Answers: {{{text}}}"


def test_defaults_and_presets_are_named() -> None:
    known = rules({"Status": 418, "Then": "permanent"})
    assert (
        described(known[-1], known, "acme") == "default by status: {Status: 5xx, Then: ambiguous}"
    )
    assert described(known[0], known, "acme").startswith(
        "rule 1 of Answers, with those of the preset acme: "
    )
