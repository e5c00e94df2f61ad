"""The rendered manifests as the policy tests look at them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from manifests.rendering import overlays, rendered_file

REPOSITORY = Path(__file__).parents[3]
OURS = ("campaign-api", "campaign-scheduler", "campaign-sender", "campaign-tools")
SERVICES = OURS[:3]
UNTIL_KILLED = 30
"""Seconds that Kubernetes gives a pod that names no grace period."""

Document = Mapping[str, Any]


def documents(overlay: str) -> list[Document]:
    return [found for found in yaml.safe_load_all(rendered_file(overlay).read_text()) if found]


EVERYTHING = {overlay: documents(overlay) for overlay in overlays()}


def of_kind(overlay: str, *kinds: str) -> Iterator[Document]:
    return (found for found in EVERYTHING[overlay] if found["kind"] in kinds)


def named(overlay: str, kind: str, name: str) -> Document:
    return next(found for found in of_kind(overlay, kind) if found["metadata"]["name"] == name)


class Workload:
    """An object that runs pods, with the properties that the tests check."""

    def __init__(self, overlay: str, document: Document) -> None:
        self.overlay = overlay
        self.document = document
        self.name: str = document["metadata"]["name"]
        self.kind: str = document["kind"]
        self.replicas: int | None = document["spec"].get("replicas")
        self.template: Document = document["spec"]["template"]
        self.labels: Mapping[str, str] = self.template["metadata"]["labels"]
        self.pod: Document = self.template["spec"]
        self.containers: list[Document] = [
            *self.pod.get("initContainers", []),
            *self.pod["containers"],
        ]

    def __repr__(self) -> str:
        return f"{self.overlay}-{self.kind}-{self.name}"

    @property
    def grace(self) -> int:
        return self.pod.get("terminationGracePeriodSeconds", UNTIL_KILLED)

    @property
    def configuration_name(self) -> str:
        (name,) = (
            volume["configMap"]["name"] for volume in self.pod["volumes"] if "configMap" in volume
        )
        return name

    @property
    def configuration(self) -> str:
        """The text of the file that the pod reads its settings from."""
        configuration = named(self.overlay, "ConfigMap", self.configuration_name)
        return configuration["data"]["campmgr.yaml"]

    @property
    def secrets(self) -> set[str]:
        return {
            each["secret"]["secretName"] for each in self.pod.get("volumes", []) if "secret" in each
        }

    @property
    def ports(self) -> dict[str, int]:
        return {
            port["name"]: port["containerPort"]
            for container in self.containers
            for port in container.get("ports", [])
        }


WORKLOADS = [
    Workload(overlay, found)
    for overlay in EVERYTHING
    for found in of_kind(overlay, "Deployment", "StatefulSet", "Job")
]
LASTING = [workload for workload in WORKLOADS if workload.kind != "Job"]
SERVICE_WORKLOADS = [workload for workload in WORKLOADS if workload.name in SERVICES]
OWN_WORKLOADS = [each for each in WORKLOADS if each.name.startswith("campaign-")]


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return selector.items() <= labels.items()


def workload(overlay: str, name: str) -> Workload:
    return next(each for each in WORKLOADS if each.overlay == overlay and each.name == name)


def minimum(overlay: str, name: str) -> int:
    """Return the least number of pods of a Deployment: its own, or its autoscaler's minimum."""
    replicas = workload(overlay, name).replicas
    if replicas is not None:
        return replicas
    for scaler in of_kind(overlay, "HorizontalPodAutoscaler", "ScaledObject"):
        if scaler["spec"]["scaleTargetRef"]["name"] == name:
            spec = scaler["spec"]
            return spec["minReplicas"] if "minReplicas" in spec else spec["minReplicaCount"]
    return 1
