from pathlib import Path

import pytest

from benchmarks.scaling.__main__ import MANIFEST
from benchmarks.scaling.rule import Autoscaler, Rule, read_rule

PARTITIONS = 8
RULE = Rule(least=2, most=8, lag_threshold=5_000, polling_interval=10, stabilization=300)


def decided(lag: int, replicas: int, rule: Rule = RULE) -> int:
    return Autoscaler(rule, PARTITIONS).decide(0, lag, replicas)


def test_the_rule_is_the_one_of_the_manifest() -> None:
    rule = read_rule(MANIFEST)
    text = MANIFEST.read_text()
    assert f'lagThreshold: "{rule.lag_threshold}"' in text
    assert f"minReplicaCount: {rule.least}\n" in text
    assert f"maxReplicaCount: {rule.most}\n" in text
    assert f"pollingInterval: {rule.polling_interval:.0f}\n" in text
    assert f"stabilizationWindowSeconds: {rule.stabilization:.0f}\n" in text


def test_a_manifest_without_a_threshold_is_refused(tmp_path: Path) -> None:
    manifest = tmp_path / "autoscaler.yaml"
    manifest.write_text(MANIFEST.read_text().replace("lagThreshold", "another"))
    with pytest.raises(KeyError):
        read_rule(manifest)


@pytest.mark.parametrize(
    ("lag", "replicas", "expected"),
    [
        (0, 2, 2),
        (10_000, 2, 2),
        (15_001, 2, 4),
        (15_000, 3, 3),
        (16_400, 3, 3),  # within the tolerance of a tenth
        (16_600, 3, 4),
        (1_000_000, 2, 6),  # four more at a time
        (1_000_000, 6, 8),
    ],
)
def test_there_is_a_sender_for_each_threshold_of_lag(
    lag: int, replicas: int, expected: int
) -> None:
    assert decided(lag, replicas) == expected


def test_no_lag_asks_for_more_senders_than_partitions() -> None:
    rule = Rule(least=2, most=100, lag_threshold=5_000, polling_interval=10, stabilization=300)
    assert decided(10_000_000, 7, rule) == PARTITIONS


def test_senders_leave_after_a_whole_window_without_need() -> None:
    """Senders leave when nothing has asked for them for the whole window."""
    scaler = Autoscaler(RULE, PARTITIONS)
    replicas = scaler.decide(0, 40_000, 4)
    assert replicas == 8
    assert scaler.decide(15, 0, replicas) == 8
    assert scaler.decide(150, 20_000, replicas) == 8
    assert scaler.decide(299, 0, replicas) == 8
    assert scaler.decide(301, 0, replicas) == 4  # what was asked for 151 s ago
    assert scaler.decide(451, 0, 4) == 2


def test_a_hastened_rule_asks_for_the_same_senders_sooner() -> None:
    hastened = RULE.hastened(10)
    assert (hastened.polling_interval, hastened.stabilization, hastened.step) == (1, 30, 1.5)
    assert (hastened.least, hastened.most, hastened.lag_threshold) == (2, 8, 5_000)
