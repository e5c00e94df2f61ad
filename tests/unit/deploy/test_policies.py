"""Rules that every pod of every overlay has to keep to."""

import pytest

from tests.unit.deploy.manifests import (
    EVERYTHING,
    LASTING,
    OWN_WORKLOADS,
    SERVICE_WORKLOADS,
    WORKLOADS,
    Workload,
    minimum,
    named,
    of_kind,
    selects,
)

RESTRICTED = "pod-security.kubernetes.io/enforce"

every_workload = pytest.mark.parametrize("workload", WORKLOADS, ids=repr)
every_overlay = pytest.mark.parametrize("overlay", EVERYTHING)


def test_there_is_something_to_look_at() -> None:
    assert set(EVERYTHING) == {"local", "production", "hpa", "keda"}
    assert {each.name for each in WORKLOADS if each.overlay == "local"} == {
        *("campaign-api", "campaign-scheduler", "campaign-sender", "mysql", "kafka"),
        *("campaign-migrate-0-3-0", "campaign-topics-0-3-0", "campaign-first-key-0-3-0"),
    }


@every_workload
def test_no_pod_runs_as_root(workload: Workload) -> None:
    security = workload.pod["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] > 0
    assert security["runAsGroup"] > 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        assert not workload.pod.get(key)
    assert not [volume for volume in workload.pod["volumes"] if "hostPath" in volume]


@every_workload
def test_no_container_can_gain_or_write_anything(workload: Workload) -> None:
    for container in workload.containers:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "tmp" in {mount["name"] for mount in container["volumeMounts"]}


@every_workload
def test_no_pod_holds_a_token_of_the_cluster(workload: Workload) -> None:
    assert workload.pod["automountServiceAccountToken"] is False


@pytest.mark.parametrize("workload", OWN_WORKLOADS, ids=repr)
def test_every_service_account_is_one_without_a_token(workload: Workload) -> None:
    account = named(workload.overlay, "ServiceAccount", workload.pod["serviceAccountName"])
    assert account["automountServiceAccountToken"] is False


@every_workload
def test_every_container_has_requests_and_limits(workload: Workload) -> None:
    for container in workload.containers:
        for bound in ("requests", "limits"):
            assert container["resources"][bound].keys() == {"cpu", "memory"}


@pytest.mark.parametrize("workload", LASTING, ids=repr)
def test_every_container_that_lasts_has_all_probes(workload: Workload) -> None:
    for container in workload.containers:
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert container[probe]


@pytest.mark.parametrize("workload", SERVICE_WORKLOADS, ids=repr)
def test_only_readiness_depends_on_other_systems(workload: Workload) -> None:
    """/healthz is of the process alone, /readyz of database, schema and Kafka too."""
    (container,) = workload.containers
    paths = {
        probe: container[probe]["httpGet"]["path"]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert paths == {
        "startupProbe": "/healthz",
        "readinessProbe": "/readyz",
        "livenessProbe": "/healthz",
    }


@every_workload
def test_every_image_names_its_version(workload: Workload) -> None:
    for container in workload.containers:
        name, separator, tag = container["image"].rpartition(":")
        assert name
        assert separator
        assert tag[0].isdigit()


@every_overlay
def test_every_namespace_enforces_the_restricted_standard(overlay: str) -> None:
    (namespace,) = of_kind(overlay, "Namespace")
    assert namespace["metadata"]["labels"][RESTRICTED] == "restricted"
    elsewhere = [
        found
        for found in EVERYTHING[overlay]
        if found["kind"] != "Namespace"
        and found["metadata"].get("namespace") != namespace["metadata"]["name"]
    ]
    assert not elsewhere


@every_overlay
def test_nothing_is_reached_that_no_policy_allows(overlay: str) -> None:
    policies = {
        found["metadata"]["name"]: found["spec"] for found in of_kind(overlay, "NetworkPolicy")
    }
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, spec in policies.items():
        assert name == "default-deny" or spec.get("ingress") or spec.get("egress")
        for rule in [*spec.get("ingress", []), *spec.get("egress", [])]:
            assert rule["ports"], name
            assert rule.get("from") or rule.get("to"), name


@every_overlay
def test_an_apply_that_changes_nothing_is_said_to_change_nothing(overlay: str) -> None:
    """Defaults of the server are written down, or kubectl calls it `configured` each time."""
    for found in of_kind(overlay, "NetworkPolicy"):
        rules = [*found["spec"].get("ingress", []), *found["spec"].get("egress", [])]
        assert all("protocol" in port for rule in rules for port in rule["ports"])
    for found in of_kind(overlay, "Deployment"):
        assert found["spec"]["strategy"]["type"] == "RollingUpdate"


@every_overlay
def test_every_secret_is_named_and_only_the_local_ones_are_here(overlay: str) -> None:
    here = {found["metadata"]["name"] for found in of_kind(overlay, "Secret")}
    wanted = set().union(*(each.secrets for each in WORKLOADS if each.overlay == overlay))
    assert {"campaign-database", "campaign-first-key"} <= wanted
    assert here == (wanted if overlay == "local" else set())


@every_workload
def test_secrets_come_as_files(workload: Workload) -> None:
    for container in workload.containers:
        for variable in container.get("env", []):
            assert "valueFrom" not in variable
            secret = any(word in variable["name"] for word in ("SASL", "DSN", "AUTHORIZATION"))
            assert not secret or variable["name"].endswith("_FILE")


@every_overlay
def test_every_selector_finds_pods(overlay: str) -> None:
    pods = [each.labels for each in WORKLOADS if each.overlay == overlay]
    selectors = [
        *(found["spec"]["selector"] for found in of_kind(overlay, "Service")),
        *(
            found["spec"]["selector"]["matchLabels"]
            for found in of_kind(overlay, "PodDisruptionBudget")
        ),
        *(
            found["spec"]["podSelector"].get("matchLabels", {})
            for found in of_kind(overlay, "NetworkPolicy")
        ),
    ]
    for selector in selectors:
        assert any(selects(selector, labels) for labels in pods), selector


@pytest.mark.parametrize("workload", LASTING, ids=repr)
def test_every_workload_selects_its_own_pods_and_no_others(workload: Workload) -> None:
    selector = workload.document["spec"]["selector"]["matchLabels"]
    found = [
        each.name
        for each in WORKLOADS
        if each.overlay == workload.overlay and selects(selector, each.labels)
    ]
    assert found == [workload.name]
    for constraint in workload.pod.get("topologySpreadConstraints", []):
        assert constraint["labelSelector"]["matchLabels"] == selector


@every_overlay
def test_every_budget_leaves_one_and_lets_one_go(overlay: str) -> None:
    budgets = list(of_kind(overlay, "PodDisruptionBudget"))
    assert {found["metadata"]["name"] for found in budgets} == {
        *("campaign-api", "campaign-scheduler", "campaign-sender")
    }
    for found in budgets:
        name = found["metadata"]["name"]
        assert found["spec"]["minAvailable"] == 1
        assert found["spec"]["selector"]["matchLabels"] == {"app.kubernetes.io/name": name}
        # A budget over a single pod would keep its node from ever being drained.
        assert minimum(overlay, name) >= 2


@pytest.mark.parametrize("workload", SERVICE_WORKLOADS, ids=repr)
def test_pods_spread_over_nodes_and_zones(workload: Workload) -> None:
    constraints = workload.pod["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in constraints] == [
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    ]
    assert {each["whenUnsatisfiable"] for each in constraints} == {"ScheduleAnyway"}


@pytest.mark.parametrize("workload", [each for each in WORKLOADS if each.kind == "Job"], ids=repr)
def test_every_job_can_be_applied_again(workload: Workload) -> None:
    """Its name carries the version, and no name in its template follows a content."""
    version = workload.labels["app.kubernetes.io/version"]
    assert workload.name.endswith("-" + version.replace(".", "-"))
    assert workload.document["spec"]["ttlSecondsAfterFinished"] > 0
    assert workload.configuration_name == "campaign-setup-config"


@pytest.mark.parametrize("workload", SERVICE_WORKLOADS, ids=repr)
def test_a_changed_configuration_rolls_the_services(workload: Workload) -> None:
    prefix, _, digest = workload.configuration_name.rpartition("-")
    assert (prefix, len(digest)) == ("campaign-config", 10)
