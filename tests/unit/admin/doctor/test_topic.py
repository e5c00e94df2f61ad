"""The doctor names what makes a topic keep people's numbers for longer than is promised."""

import pytest

from campaign_admin.doctor.topic import kept_too_long
from campaign_common.kafka.topics import DAY, TopicSettings

PROMISED = TopicSettings(3, 2, float(DAY), 3600.0, frozenset({"delete"}))


@pytest.mark.parametrize(
    ("settings", "command"),
    [
        pytest.param(PROMISED, [], id="as it is created"),
        pytest.param(PROMISED._replace(retention_seconds=3600.0), [], id="shorter is fine"),
        pytest.param(
            PROMISED._replace(cleanup=frozenset({"compact"})),
            ["cleanup.policy=delete"],
            id="compaction",
        ),
        pytest.param(
            PROMISED._replace(cleanup=frozenset({"compact", "delete"})),
            ["cleanup.policy=delete"],
            id="compaction beside deletion",
        ),
        pytest.param(
            PROMISED._replace(retention_seconds=7.0 * DAY), ["retention.ms=86400000"], id="a week"
        ),
        pytest.param(
            PROMISED._replace(retention_seconds=None), ["retention.ms=86400000"], id="no end"
        ),
        pytest.param(
            PROMISED._replace(segment_seconds=7.0 * DAY), ["segment.ms=3600000"], id="segments"
        ),
    ],
)
def test_the_command_sets_what_is_promised(settings: TopicSettings, command: list[str]) -> None:
    found = list(kept_too_long("t", settings, DAY))
    assert [str(one.remedy).rpartition(" ")[2] for one in found] == command
