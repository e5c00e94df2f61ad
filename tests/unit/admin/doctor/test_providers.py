"""The doctor's comparison of the providers and routes that services know."""

from datetime import UTC, datetime

import pytest

from campaign_admin.doctor.finding import CheckStatus
from campaign_admin.doctor.sender_settings import (
    providers_of,
    routes_of,
    settings_of,
    without_suppressions,
)
from campaign_common.store.maintenance.statistics import SenderHeartbeat

NOW = datetime(2026, 5, 17, tzinfo=UTC)


def sender(name: str, providers: dict[str, str | None] | None) -> SenderHeartbeat:
    return SenderHeartbeat(name, NOW, [], [], providers)


@pytest.mark.parametrize(
    ("senders", "said"),
    [
        ([], []),
        ([sender("a", {"x": None}), sender("b", {"x": None}), sender("old", None)], []),
        ([sender("a", {"x": None}), sender("b", {})], ["x is not known to b"]),
        (
            [sender("a", {"x": None}), sender("b", {"x": "no secret"})],
            ["x can not be used by all senders: b: no secret"],
        ),
    ],
    ids=["none", "alike", "unknown to one", "unready in one"],
)
def test_senders_know_the_same_providers(senders: list[SenderHeartbeat], said: list[str]) -> None:
    assert [finding.message for finding in providers_of(senders)] == said


MAIN = {"Choose": "a 1, b 1", "Failover": "b", "AfterDoubt": "false", "Prefixes": ""}


def routed(name: str, routes: dict[str, dict[str, str]] | None) -> SenderHeartbeat:
    return SenderHeartbeat(name, NOW, [], [], None, routes)


def test_old_senders_send_to_suppressed_people() -> None:
    senders = [routed("a", {}), routed("old", None), routed("b", {"main": MAIN})]
    (found,) = without_suppressions(senders)
    assert found.message == "old of 0.2.0 sends to people with a suppression"
    assert found.status is CheckStatus.ERROR
    assert list(without_suppressions([routed("a", {})])) == []


@pytest.mark.parametrize(
    ("senders", "said"),
    [
        ([], []),
        ([routed("old", None)], []),
        ([routed("a", {"main": MAIN}), routed("old", None)], []),
        ([routed("a", {})], ["main is not known to a"]),
        (
            [routed("a", {"main": MAIN, "extra": MAIN}), routed("b", {"main": MAIN})],
            ["extra is not known to b, this configuration"],
        ),
        (
            [
                routed("a", {"main": MAIN | {"AfterDoubt": "true", "Prefixes": "49: b"}}),
                routed("b", {"main": MAIN}),
            ],
            [
                (
                    "main is not the same everywhere: AfterDoubt is false in b, this"
                    " configuration, and true in a; Prefixes is empty in b, this configuration,"
                    " and 49: b in a"
                )
            ],
        ),
    ],
    ids=["none", "of 0.2.0", "alike", "unknown to one", "known to one", "different"],
)
def test_services_have_the_same_routes(senders: list[SenderHeartbeat], said: list[str]) -> None:
    assert [finding.message for finding in routes_of(senders, {"main": MAIN})] == said


FAST = {"Limits.PerSecond": "20", "digest of other settings": "ab"}
SLOW = FAST | {"Limits.PerSecond": "10"}


def limited(name: str, **settings: dict[str, str]) -> SenderHeartbeat:
    return SenderHeartbeat(name, NOW, [], [], None, None, settings)


@pytest.mark.parametrize(
    ("senders", "said"),
    [
        ([], []),
        ([limited("old")], []),
        ([limited("a", x=FAST), limited("b", x=FAST), limited("old")], []),
        (
            [limited("a", x=SLOW), limited("b", x=FAST)],
            [
                (
                    "x is not the same everywhere: Limits.PerSecond is 10 in a, and 20 in b, this"
                    " configuration"
                )
            ],
        ),
        (
            [limited("a", x={"digest of other settings": "cd"})],
            [
                (
                    "x is not the same everywhere: Limits.PerSecond is empty in a, and 20 in this"
                    " configuration; digest of other settings is ab in this configuration, and cd"
                    " in a"
                )
            ],
        ),
        ([limited("a", x=FAST, y=FAST)], ["y is not known to this configuration"]),
    ],
    ids=["none", "of 0.2.0", "alike", "another rate", "no limit and another URL", "unknown here"],
)
def test_services_have_the_same_settings(senders: list[SenderHeartbeat], said: list[str]) -> None:
    assert [finding.message for finding in settings_of(senders, {"x": FAST})] == said
