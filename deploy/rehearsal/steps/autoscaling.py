"""Rehearsal of an autoscaler: its bounds, a second apply, and back to a fixed number."""

import shutil
from functools import partial

from rehearsal.building import KEDA_SUMS, find_keda_definitions
from rehearsal.cluster import changed
from rehearsal.stage import Stage
from rehearsal.steps.installing import compare, install, try_out
from rehearsal.steps.scaling import SENDER

_FEWEST, _MOST = 2, 8
_AUTOSCALER = "k8s/overlays/keda/autoscaler.yaml"


def scale_beyond_the_bounds(stage: Stage) -> None:
    """Scale by hand beyond the autoscaler's bounds; it scales back to them."""
    terminal, cluster = stage.terminal, stage.cluster
    terminal.type("kubectl -n camp-mgr get hpa")
    for wanted, bound in ((20, _MOST), (1, _FEWEST)):
        terminal.type(f"kubectl -n camp-mgr scale deployment/campaign-sender --replicas={wanted}")
        stage.expect(
            f"the autoscaler makes {bound} of it", partial(cluster.replicas, SENDER), bound
        )
        stage.expect(f"{bound} senders are ready", lambda: len(cluster.ready_pods(SENDER)), bound)
    stage.expect("2 API pods are ready", lambda: len(cluster.ready_pods("campaign-api")), 2)


def apply_autoscaled_again(stage: Stage, overlay: str) -> None:
    """Apply again; the autoscaler's number of senders stays."""
    terminal, cluster = stage.terminal, stage.cluster
    before = cluster.contents()
    terminal.type(f"kubectl apply -k k8s/overlays/{overlay}")
    stage.confirm("nothing is changed", changed(before, cluster.contents()), set())


def move_back(stage: Stage) -> None:
    """Return to a fixed number of senders; an apply alone does not remove the autoscaler."""
    terminal, cluster = stage.terminal, stage.cluster
    terminal.transcript.remark(
        "back to a fixed number: an apply removes nothing, so the autoscaler first"
    )
    terminal.type("kubectl -n camp-mgr delete hpa campaign-sender")
    terminal.type("kubectl apply -k k8s/overlays/production")
    stage.expect("3 senders are ready", lambda: len(cluster.ready_pods(SENDER)), 3)
    terminal.type("kubectl -n camp-mgr scale deployment/campaign-sender --replicas=8")
    stage.expect("8 senders are ready", lambda: len(cluster.ready_pods(SENDER)), 8)


def move_over(stage: Stage) -> None:
    """Hand the fixed number of senders over to the autoscaler."""
    terminal, cluster = stage.terminal, stage.cluster
    terminal.transcript.remark("and over: the autoscaler begins at its minimum, whatever there was")
    terminal.type("kubectl apply -k k8s/overlays/hpa")
    stage.expect("2 senders are ready", lambda: len(cluster.ready_pods(SENDER)), _FEWEST)


def miss_keda(stage: Stage) -> None:
    """Apply the overlay to a cluster without KEDA."""
    stage.terminal.transcript.remark("without KEDA the server knows no ScaledObject")
    stage.terminal.type_refused(
        "kubectl apply -k k8s/overlays/keda", 'no matches for kind "ScaledObject"'
    )


def scale_by_lag(stage: Stage) -> None:
    """Apply the overlay with the definitions of the oldest supported KEDA, and of a newer one."""
    terminal = stage.terminal
    for version in KEDA_SUMS:
        terminal.transcript.remark(f"the definitions of KEDA {version}, without KEDA itself")
        folder = f"keda-{version}"
        shutil.copytree(find_keda_definitions(stage.cache, version), terminal.folder / folder)
        terminal.type(f"kubectl apply --server-side -f {folder}")
        try_out(stage, "keda")
        install(stage, "keda")
        compare(stage, "keda")
        terminal.type("kubectl -n camp-mgr get scaledobjects,triggerauthentications")
        refuse_broken_objects(stage)


def refuse_broken_objects(stage: Stage) -> None:
    """Break the ScaledObject in three ways that KEDA's definitions detect."""
    for mistake, reason in (
        (
            "s/maxReplicaCount: 8/maxReplicaCount: eight/",
            "spec.maxReplicaCount in body must be of type integer",
        ),
        ("s/triggers:/trigger:/", 'unknown field "spec.trigger"'),
        ("s/- type: kafka/- metricType: Value/", "spec.triggers[0].type: Required value"),
    ):
        stage.terminal.type_refused(
            f"sed '{mistake}' {_AUTOSCALER} | kubectl -n camp-mgr apply -f -", reason
        )
