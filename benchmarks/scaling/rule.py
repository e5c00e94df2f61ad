"""The scaling rule of KEDA and the horizontal autoscaler, read from the manifest.

KEDA turns the lag of a consumer group into a metric. The autoscaler turns the metric into a number
of replicas (https://keda.sh/docs/latest/scalers/apache-kafka/,
https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details).
"""

from collections import deque
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

import yaml

KIND = "ScaledObject"

TOLERANCE = 0.1
"""Relative distance of the metric from its target below which the replicas stay the same."""

MOST_AT_ONCE, MOST_TIMES = 4, 2
"""Default limits of one step: four more pods or twice as many, whichever is more."""

STEP = 15.0
"""Seconds between two decisions of the autoscaler."""


@dataclass(frozen=True)
class Rule:
    """The numbers of the manifest; times are in seconds.

    The cooldownPeriod is left out: KEDA waits for it before it removes the last sender, which it
    never does while the minimum is above zero.
    """

    least: int
    most: int
    lag_threshold: int
    polling_interval: float
    stabilization: float
    step: float = STEP

    def hastened(self, factor: float) -> "Rule":
        """Return the same rule with a faster clock."""
        return replace(
            self,
            polling_interval=self.polling_interval / factor,
            stabilization=self.stabilization / factor,
            step=self.step / factor,
        )


def read_rule(manifest: Path) -> Rule:
    """Read the numbers from the ScaledObject in a file.

    Raises:
        KeyError: one of them is missing.
        ValueError: there is not exactly one ScaledObject.
    """
    documents = yaml.safe_load_all(manifest.read_text())
    (scaled,) = (each["spec"] for each in documents if each["kind"] == KIND)
    (trigger,) = scaled["triggers"]
    behavior = scaled["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    return Rule(
        least=scaled["minReplicaCount"],
        most=scaled["maxReplicaCount"],
        lag_threshold=int(trigger["metadata"]["lagThreshold"]),
        polling_interval=float(scaled["pollingInterval"]),
        stabilization=float(behavior["scaleDown"]["stabilizationWindowSeconds"]),
    )


class Autoscaler:
    """The number of replicas, decided as KEDA and the horizontal autoscaler do."""

    def __init__(self, rule: Rule, partitions: int) -> None:
        self._rule = rule
        self._partitions = partitions
        self._recommended: deque[tuple[float, int]] = deque()

    def decide(self, now: float, lag: int, replicas: int) -> int:
        """Return the desired number of replicas; `now` is in seconds of any steady clock."""
        wanted = self._recommend(lag, replicas)
        self._recommended.append((now, wanted))
        while self._recommended[0][0] <= now - self._rule.stabilization:
            self._recommended.popleft()
        if wanted < replicas:
            # Down only as far as the highest number of the whole stabilization window.
            wanted = min(replicas, max(number for _, number in self._recommended))
        most = min(self._rule.most, max(replicas + MOST_AT_ONCE, replicas * MOST_TIMES))
        return max(self._rule.least, min(wanted, most))

    def _recommend(self, lag: int, replicas: int) -> int:
        # Without allowIdleConsumers KEDA counts no more lag than the partitions can share.
        counted = min(lag, self._partitions * self._rule.lag_threshold)
        if replicas and abs(counted / (self._rule.lag_threshold * replicas) - 1) <= TOLERANCE:
            return replicas
        wanted = ceil(counted / self._rule.lag_threshold)
        return max(self._rule.least, min(wanted, self._rule.most))
