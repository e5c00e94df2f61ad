"""Draining of nodes under disruption budgets."""

from rehearsal.stage import Stage
from rehearsal.steps.installing import SERVICES

DRAIN = "kubectl drain {node} --ignore-daemonsets --delete-emptydir-data --timeout={seconds}s"
_NODES = ("node-1", "node-2", "node-3")


def drain_nodes(stage: Stage) -> None:
    """Drain every node while no other can take the pods, then two nodes while one can."""
    terminal, cluster = stage.terminal, stage.cluster
    terminal.type("kubectl -n camp-mgr get poddisruptionbudgets")
    terminal.transcript.remark("no node takes new pods: each service has to keep its last one")
    terminal.type(f"kubectl cordon {' '.join(_NODES)}")
    nodes = " ".join(_NODES)
    refusal = "Cannot evict pod as it would violate the pod's disruption budget"
    terminal.type_refused(DRAIN.format(node=nodes, seconds=6), refusal)
    stage.expect(
        "one pod of each service is left, and is ready",
        lambda: {service: len(cluster.ready_pods(service)) for service in SERVICES},
        dict.fromkeys(SERVICES, 1),
    )
    terminal.transcript.remark("with a node that takes them, all the others can be drained")
    terminal.type("kubectl uncordon node-1")
    stage.expect(
        "all pods have a node again",
        lambda: [pod for service in SERVICES for pod in cluster.unplaced_pods(service)],
        [],
    )
    terminal.type(DRAIN.format(node="node-2 node-3", seconds=60))
    stage.expect(
        "every pod is on node-1",
        lambda: {
            pod["spec"].get("nodeName")
            for service in SERVICES
            for pod in cluster.all("pods", name=service)
        },
        {"node-1"},
    )
    terminal.type("kubectl uncordon node-2 node-3")
