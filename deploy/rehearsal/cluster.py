"""Read-only queries of the cluster; the transcript leaves them out."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.errors import RehearsalError

NAMESPACE = "camp-mgr"
NAME = "app.kubernetes.io/name"

_APPLIED = ",".join(
    (
        *("serviceaccounts", "configmaps", "secrets", "services", "persistentvolumeclaims"),
        *("deployments", "statefulsets", "jobs", "poddisruptionbudgets"),
        *("horizontalpodautoscalers", "networkpolicies", "ingresses"),
    )
)

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Cluster:
    """The cluster, as kubectl reads it."""

    kubectl: Path
    environment: Mapping[str, str]

    def all(self, kind: str, **labels: str) -> list[Document]:
        """Return every object of a kind in the namespace, or those with a label `name`."""
        selector = [f"--selector={NAME}={labels['name']}"] if labels else []
        found: list[Document] = self._get(kind, *selector)["items"]
        return found

    def one(self, kind: str, name: str) -> Document:
        """Return one object of the namespace."""
        return self._get(kind, name)

    def names(self, kind: str) -> set[str]:
        """Return the names of every object of a kind."""
        return {each["metadata"]["name"] for each in self.all(kind)}

    def contents(self) -> Mapping[str, object]:
        """Return the content of each object that an overlay makes, by kind and name."""
        return {
            f"{each['kind']}/{each['metadata']['name']}": (
                each["metadata"]["uid"],
                each["metadata"].get("generation"),
                each.get("spec"),
                each.get("data"),
            )
            for each in self.all(_APPLIED)
        }

    def replicas(self, deployment: str) -> int:
        """Return the number of replicas that a Deployment specifies."""
        replicas: int = self.one("deployment", deployment)["spec"]["replicas"]
        return replicas

    def ready_pods(self, name: str) -> list[Document]:
        """Return the pods of this name that are ready and not terminating."""
        return [pod for pod in self.all("pods", name=name) if is_ready(pod)]

    def unplaced_pods(self, name: str) -> list[Document]:
        """Return the pods of this name that are not scheduled to a node."""
        return [pod for pod in self.all("pods", name=name) if "nodeName" not in pod["spec"]]

    def _get(self, *arguments: str) -> Document:
        completed = subprocess.run(
            [self.kubectl, "--namespace", NAMESPACE, "get", *arguments, "--output=json"],
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        if completed.returncode:
            raise RehearsalError(f"kubectl get {' '.join(arguments)}: {completed.stderr.strip()}")
        answer: Document = json.loads(completed.stdout)
        return answer


def changed(before: Mapping[str, object], after: Mapping[str, object]) -> set[str]:
    """Return the kind and name of each object that was added, removed or changed."""
    names = before.keys() | after.keys()
    return {name for name in names if before.get(name) != after.get(name)}


def is_ready(pod: Document) -> bool:
    """Return whether a Service would send requests to the pod."""
    conditions = pod["status"].get("conditions", [])
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]
