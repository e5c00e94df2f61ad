"""Installation and removal of an overlay."""

from rehearsal import references
from rehearsal.stage import Stage

SERVICES = ("campaign-api", "campaign-scheduler", "campaign-sender")
API_KEY = "0000000000000001.not-of-any-installation-not-of-any-installation"

SECRETS = """\
kubectl apply -f k8s/base/namespace.yaml
kubectl -n camp-mgr create secret generic campaign-database --from-file=dsn
kubectl -n camp-mgr create secret generic campaign-first-key --from-file=key
kubectl -n camp-mgr create secret generic campaign-provider --from-file=authorization
kubectl -n camp-mgr create secret generic campaign-kafka --from-file=username --from-file=password \
--from-literal=keda-sasl=scram_sha512 --from-literal=keda-tls=enable
kubectl -n camp-mgr create secret tls campaign-api-tls --cert=tls.crt --key=tls.key
"""
"""The commands of docs/operations/overview.md, one a line."""


def make_secrets(stage: Stage) -> None:
    """Make the Secrets that the overlays for production refer to."""
    files = {
        "dsn": "camp:secret@tcp(db.example.com:3306)/camp",
        "key": API_KEY,
        "authorization": "Bearer secret",
        "username": "camp",
        "password": "secret",
    }
    for name, content in files.items():
        (stage.terminal.folder / name).write_text(content)
    for command in SECRETS.splitlines():
        stage.terminal.type(command)


def make_namespace(stage: Stage) -> None:
    """Make the namespace, without which the server cannot dry-run the rest."""
    stage.terminal.type("kubectl apply -f k8s/base/namespace.yaml")


def try_out(stage: Stage, overlay: str) -> None:
    """Dry-run an overlay on the server."""
    printed = stage.terminal.type(f"kubectl apply -k k8s/overlays/{overlay} --dry-run=server")
    stage.confirm("the server has nothing against it, and no warning", warnings(printed), [])


def warnings(printed: str) -> list[str]:
    """Return the warnings among what kubectl printed."""
    return [line for line in printed.splitlines() if line.lower().startswith("warning")]


def install(stage: Stage, overlay: str) -> None:
    """Apply an overlay and wait until it works."""
    terminal, cluster = stage.terminal, stage.cluster
    terminal.type(f"kubectl apply -k k8s/overlays/{overlay}")
    terminal.type("kubectl -n camp-mgr wait --for=condition=complete job --all --timeout=60s")
    terminal.type(
        "kubectl -n camp-mgr wait --for=condition=available deployment --all --timeout=60s"
    )
    stage.expect(
        "every service has a ready pod",
        lambda: [bool(cluster.ready_pods(service)) for service in SERVICES],
        [True] * len(SERVICES),
    )
    stage.expect(
        "every ConfigMap, Secret, key, volume and account that a pod names is there",
        lambda: references.missing(cluster.all),
        [],
    )
    terminal.type("kubectl -n camp-mgr get deployments,jobs")


def install_servers(stage: Stage) -> None:
    """Wait for the database and the broker of overlays/local."""
    for server in ("mysql", "kafka"):
        stage.terminal.type(
            f"kubectl -n camp-mgr rollout status statefulset/{server} --timeout=60s"
        )


def compare(stage: Stage, overlay: str) -> None:
    """Ask the server to compare the overlay with the cluster's objects."""
    stage.terminal.type(f"kubectl diff -k k8s/overlays/{overlay}")
    stage.terminal.transcript.confirmed("nothing in the cluster differs from the manifests")


def remove(stage: Stage, overlay: str) -> None:
    """Remove everything again."""
    stage.terminal.type(f"kubectl delete -k k8s/overlays/{overlay} --timeout=120s")
    stage.terminal.type_refused("kubectl get namespace camp-mgr", "not found")
    stage.confirm("nothing is left", stage.cluster.contents(), {})
