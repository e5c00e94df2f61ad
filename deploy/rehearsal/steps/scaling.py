"""Manual scaling of the senders."""

from collections import Counter

from rehearsal.cluster import changed
from rehearsal.stage import Stage

SENDER = "campaign-sender"
MANIFEST = "k8s/base/sender/deployment.yaml"


def scale_by_hand(stage: Stage) -> None:
    """Scale to eight."""
    terminal, cluster = stage.terminal, stage.cluster
    terminal.type("kubectl -n camp-mgr scale deployment/campaign-sender --replicas=8")
    terminal.type("kubectl -n camp-mgr rollout status deployment/campaign-sender --timeout=60s")
    stage.expect("8 senders are ready", lambda: len(cluster.ready_pods(SENDER)), 8)
    nodes = Counter(pod["spec"]["nodeName"] for pod in cluster.ready_pods(SENDER))
    stage.expect("the 3 nodes share them evenly", lambda: sorted(nodes.values()), [2, 3, 3])
    terminal.type("kubectl -n camp-mgr get deployment campaign-sender")


def apply_again(stage: Stage) -> None:
    """Apply the same manifests again: only the number of senders changes back."""
    terminal, cluster = stage.terminal, stage.cluster
    terminal.transcript.remark("the next apply puts back the number in the manifest, here 3")
    before = cluster.contents()
    terminal.type("kubectl apply -k k8s/overlays/local")
    stage.confirm(
        "of all that there is, only the Deployment of the senders is changed",
        changed(before, cluster.contents()),
        {"Deployment/campaign-sender"},
    )
    stage.expect("3 senders are ready", lambda: len(cluster.ready_pods(SENDER)), 3)


def change_the_manifest(stage: Stage) -> None:
    """Change the number in the manifest, which further applies keep."""
    terminal, cluster = stage.terminal, stage.cluster
    terminal.transcript.remark("to keep another number, change the manifest")
    terminal.type(f"sed -i.before 's/replicas: 3/replicas: 5/' {MANIFEST}")
    for _ in range(2):
        terminal.type("kubectl apply -k k8s/overlays/local")
        stage.expect("5 senders are ready", lambda: len(cluster.ready_pods(SENDER)), 5)
