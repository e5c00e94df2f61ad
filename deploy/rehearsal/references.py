"""Search for missing objects that pods and Ingresses refer to.

On a real node such a pod would wait; the simulated nodes of a rehearsal start it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from rehearsal.cluster import Document

_KINDS = ("configmaps", "secrets", "persistentvolumeclaims", "serviceaccounts")


def missing(objects: Callable[[str], Sequence[Document]]) -> list[str]:
    """Describe the missing objects that pods and Ingresses refer to.

    `objects` returns all objects of a kind.
    """
    present = {kind: {each["metadata"]["name"]: each for each in objects(kind)} for kind in _KINDS}
    found = {word for pod in objects("pods") for word in _missing_of_pod(pod["spec"], present)}
    for ingress in objects("ingresses"):
        for tls in ingress["spec"].get("tls", []):
            if tls["secretName"] not in present["secrets"]:
                found.add(f"Secret {tls['secretName']} of the Ingress")
    return sorted(found)


def _missing_of_pod(pod: Document, present: Mapping[str, Mapping[str, Document]]) -> Iterator[str]:
    if pod["serviceAccountName"] not in present["serviceaccounts"]:
        yield f"ServiceAccount {pod['serviceAccountName']}"
    secrets_by_volume = {}
    for volume in pod["volumes"]:
        if "configMap" in volume and volume["configMap"]["name"] not in present["configmaps"]:
            yield f"ConfigMap {volume['configMap']['name']}"
        if "persistentVolumeClaim" in volume:
            yield from _unbound(volume["persistentVolumeClaim"]["claimName"], present)
        if "secret" in volume:
            secrets_by_volume[volume["name"]] = volume["secret"]["secretName"]
    for container in pod["containers"]:
        yield from _missing_keys(container, secrets_by_volume, present["secrets"])


def _unbound(claim: str, present: Mapping[str, Mapping[str, Document]]) -> Iterator[str]:
    found = present["persistentvolumeclaims"].get(claim)
    if found is None or found["status"]["phase"] != "Bound":
        yield f"a volume for the claim {claim}"


def _missing_keys(
    container: Document, secrets_by_volume: Mapping[str, str], secrets: Mapping[str, Document]
) -> Iterator[str]:
    """Yield the files below a mounted Secret that are named and are not among its keys.

    Environment variables and arguments of the container name them.
    """
    named = [variable["value"] for variable in container.get("env", [])]
    named += [*container.get("command", []), *container.get("args", [])]
    for mount in container["volumeMounts"]:
        secret = secrets_by_volume.get(mount["name"])
        if secret is None:
            continue
        if secret not in secrets:
            yield f"Secret {secret}"
            continue
        for path in map(PurePosixPath, named):
            if str(path.parent) == mount["mountPath"] and path.name not in secrets[secret]["data"]:
                yield f"key {path.name} of the Secret {secret}"
