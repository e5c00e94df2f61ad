"""Changes of the configuration, and their rollback."""

from rehearsal.cluster import Cluster, changed
from rehearsal.stage import Stage
from rehearsal.steps.installing import SERVICES
from rehearsal.steps.scaling import SENDER

_FILE = "k8s/overlays/production/campmgr.yaml"
_OVERLAY = "k8s/overlays/production/kustomization.yaml"
_APPLY = "kubectl apply -k k8s/overlays/production"


def change_the_configuration(stage: Stage) -> None:
    """Change it: every service rolls to a ConfigMap with a new name; the Jobs do not run again."""
    terminal, cluster = stage.terminal, stage.cluster
    before = cluster.contents()
    old_names, old_sets = configurations(cluster), set(replica_sets(cluster))
    terminal.type(f"sed -i.before 's/DrainTimeout: 20s/DrainTimeout: 15s/' {_FILE}")
    terminal.type(_APPLY)
    after = cluster.contents()
    made = sorted(after.keys() - before.keys())
    stage.confirm(
        f"one object is made, {' '.join(made)}",
        [name.rpartition("-")[0] for name in made],
        ["ConfigMap/campaign-config"],
    )
    stage.confirm(
        "three Deployments are changed, and what the next Jobs read",
        changed(before, after) - set(made),
        {"ConfigMap/campaign-setup-config", *(f"Deployment/{service}" for service in SERVICES)},
    )
    for service in SERVICES:
        terminal.type(f"kubectl -n camp-mgr rollout status deployment/{service} --timeout=60s")
    terminal.type("kubectl -n camp-mgr get replicasets")
    stage.expect(
        "the pods of all services read the new ConfigMap, and no pod the old one",
        lambda: [len(configurations(cluster)), configurations(cluster) & old_names],
        [1, set()],
    )
    stage.expect(
        "each service has one ReplicaSet with pods, a new one",
        lambda: sorted(
            owner for name, owner in replica_sets(cluster).items() if name not in old_sets
        ),
        sorted(SERVICES),
    )
    stage.expect(
        "the ReplicaSets before have none", lambda: old_sets & set(replica_sets(cluster)), set()
    )


def go_back(stage: Stage) -> None:
    """Roll the senders back, and let the next apply roll them forward again."""
    terminal, cluster = stage.terminal, stage.cluster
    (new,) = configurations(cluster)
    terminal.type("kubectl -n camp-mgr rollout undo deployment/campaign-sender")
    terminal.type("kubectl -n camp-mgr rollout status deployment/campaign-sender --timeout=60s")
    stage.expect(
        "the senders read the ConfigMap before, which is still there",
        lambda: [len(configurations(cluster, SENDER)), new in configurations(cluster, SENDER)],
        [1, False],
    )
    terminal.type(_APPLY)
    stage.expect(
        "the next apply has them read the new one again",
        lambda: configurations(cluster, SENDER),
        {new},
    )


def change_a_job(stage: Stage) -> None:
    """Change a Job: it is refused while the Job exists, and applied after its deletion."""
    terminal, cluster = stage.terminal, stage.cluster
    terminal.type(f'sed -i.before \'s/--replication-factor, "3"/--partitions, "8"/\' {_OVERLAY}')
    terminal.type_refused(_APPLY, "campaign-topics-0-3-0", "field is immutable")
    terminal.type("kubectl -n camp-mgr delete jobs -l app.kubernetes.io/component=setup")
    before = cluster.contents()
    terminal.type(_APPLY)
    stage.confirm(
        "the three Jobs are made again, and nothing else is changed",
        sorted(changed(before, cluster.contents())),
        [f"Job/campaign-{job}-0-3-0" for job in ("first-key", "migrate", "topics")],
    )
    terminal.type("kubectl -n camp-mgr wait --for=condition=complete job --all --timeout=60s")


def restart(stage: Stage) -> None:
    """Restart every service, as after a change of a Secret."""
    terminal, cluster = stage.terminal, stage.cluster
    before = set(replica_sets(cluster))
    terminal.type("kubectl -n camp-mgr rollout restart deployment")
    for service in SERVICES:
        terminal.type(f"kubectl -n camp-mgr rollout status deployment/{service} --timeout=60s")
    stage.expect("all pods are new ones", lambda: before & set(replica_sets(cluster)), set())


def configurations(cluster: Cluster, *services: str) -> set[str]:
    """Return the names of the ConfigMaps that pods read: of the given services, or of all."""
    return {
        volume["configMap"]["name"]
        for service in services or SERVICES
        for pod in cluster.all("pods", name=service)
        for volume in pod["spec"]["volumes"]
        if "configMap" in volume
    }


def replica_sets(cluster: Cluster) -> dict[str, str]:
    """Return the ReplicaSets that have pods, each with its Deployment."""
    return {
        each["metadata"]["name"]: each["metadata"]["ownerReferences"][0]["name"]
        for each in cluster.all("replicasets")
        if each["status"]["replicas"]
    }
