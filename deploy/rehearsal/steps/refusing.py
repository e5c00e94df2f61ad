"""Pods that ask for more privileges than the namespace allows."""

from rehearsal.stage import Stage

_INTRUDER = "kubectl -n camp-mgr run intruder --image=busybox:1.36"


def refuse_pods(stage: Stage) -> None:
    """Try pods that violate the restricted standard, which the namespace enforces."""
    refused = stage.terminal.type_refused
    refused(f"{_INTRUDER} --privileged", "violates PodSecurity", "privileged")
    refused(_INTRUDER, "violates PodSecurity", "runAsNonRoot", "capabilities", "seccompProfile")
    root = '{"spec": {"securityContext": {"runAsUser": 0}, "hostNetwork": true}}'
    refused(f"{_INTRUDER} --overrides='{root}'", "runAsUser=0", "host namespaces")
    stage.confirm("none of them is there", stage.cluster.names("pods") & {"intruder"}, set())
