"""What KEDA and the horizontal autoscaler under it make of the lag, read from the manifest itself.

KEDA turns the lag of a consumer group into a metric, the autoscaler turns that into a number of
replicas (https://keda.sh/docs/latest/scalers/apache-kafka/,
https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details).
"""

from collections import deque
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

import yaml

KIND = "ScaledObject"

TOLERANCE = 0.1
"""The autoscaler leaves the number alone while the metric is this close to its target."""

MOST_AT_ONCE, MOST_TIMES = 4, 2
"""By default it adds four pods or doubles them within 15 seconds, whichever is more."""

STEP = 15.0
"""Seconds between two decisions of the autoscaler."""


@dataclass(frozen=True)
class Rule:
    """The numbers of the manifest; times are in seconds.

    Its cooldownPeriod is none of them: KEDA waits for so long before it takes the last sender
    away, which it never does while there is a minimum.
    """

    least: int
    most: int
    lag_threshold: int
    polling_interval: float
    stabilization: float
    step: float = STEP

    def hastened(self, factor: float) -> "Rule":
        """Return the same rule on a clock that runs faster."""
        return replace(
            self,
            polling_interval=self.polling_interval / factor,
            stabilization=self.stabilization / factor,
            step=self.step / factor,
        )


def read_rule(manifest: Path) -> Rule:
    """Read the numbers from the ScaledObject in a file.

    Raises:
        KeyError: it does not say one of them.
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
    """Decides on replicas as the pair of KEDA and the horizontal autoscaler does."""

    def __init__(self, rule: Rule, partitions: int) -> None:
        self._rule = rule
        self._partitions = partitions
        self._recommended: deque[tuple[float, int]] = deque()

    def decide(self, now: float, lag: int, replicas: int) -> int:
        """Return how many replicas there should be, `now` being any steady clock's seconds."""
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
