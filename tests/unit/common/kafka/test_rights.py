"""The rights that docs/operations/overview.md lists are those that are checked."""

from collections import defaultdict
from pathlib import Path

import pytest
from confluent_kafka.admin import AclOperation  # type: ignore[attr-defined]

from campaign_common.kafka.rights import CLUSTER, KafkaResource, ResourceKind, Right, needed_rights
from campaign_common.settings import Settings, load_settings
from tests.support.sample import SAMPLE

OPERATIONS = Path(__file__).parents[4] / "docs" / "operations" / "overview.md"
COLUMNS = (
    KafkaResource(ResourceKind.TOPIC, "Sync-Msg-T"),
    KafkaResource(ResourceKind.TOPIC, "Sync-Msg-T-DLQ"),
    KafkaResource(ResourceKind.GROUP, "Msg-Consumer-G"),
    KafkaResource(ResourceKind.GROUP, "Msg-Consumer-G-dead-letters"),
    CLUSTER,
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "campmgr.yaml"
    file.write_text(SAMPLE)
    return load_settings(file, {})


def documented() -> dict[str, set[tuple[str, KafkaResource]]]:
    """The table of the page: operation and resource by program."""
    section = OPERATIONS.read_text().partition("## Rights in Kafka")[2].partition("```")[0]
    rights = defaultdict(set)
    for line in section.splitlines():
        program, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not program.startswith("`campaign-") or len(cells) != len(COLUMNS):
            continue
        for cell, resource in zip(cells, COLUMNS, strict=True):
            words = [word.strip() for word in cell.split(",")]
            operations = [word for word in words if word and " " not in word]
            rights[program.split("`")[1].split()[0]] |= {(name, resource) for name in operations}
    return rights


@pytest.mark.parametrize("program", ["campaign-scheduler", "campaign-sender"])
def test_a_service_is_checked_for_what_is_documented(settings: Settings, program: str) -> None:
    needed = {(str(r).split()[0], r.resource) for r in needed_rights(settings)[program]}
    assert needed == documented()[program]


def test_what_commands_are_checked_for_is_documented(settings: Settings) -> None:
    program = "campaign-topics"
    needed = {(str(r).split()[0], r.resource) for r in needed_rights(settings)[program]}
    assert needed <= documented()[program]


def test_a_sender_that_is_told_its_protocol_asks_no_broker(tmp_path: Path) -> None:
    file = tmp_path / "campmgr.yaml"
    file.write_text(SAMPLE.replace("SendClient:\n", "SendClient:\n   GroupProtocol: consumer\n"))
    rights = needed_rights(load_settings(file, {}))["campaign-sender"]
    assert CLUSTER not in {right.resource for right in rights}


@pytest.mark.parametrize(
    ("right", "text", "options"),
    [
        (Right(AclOperation.WRITE, COLUMNS[0]), "Write on topic Sync-Msg-T", "--topic Sync-Msg-T"),
        (
            Right(AclOperation.DESCRIBE_CONFIGS, CLUSTER),
            "DescribeConfigs on the cluster",
            "--cluster",
        ),
    ],
)
def test_a_right_is_named_as_kafka_does(right: Right, text: str, options: str) -> None:
    assert str(right) == text
    assert right.as_options() == f"--operation {text.split(maxsplit=1)[0]} {options}"
