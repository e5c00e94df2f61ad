"""The doctor's comparison of the providers that senders know."""

from datetime import UTC, datetime

import pytest

from campaign_admin.doctor.topic import _providers_of
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
    assert [finding.message for finding in _providers_of(senders)] == said
