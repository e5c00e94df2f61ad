"""Facts that manifests, images, settings and the compose file have to agree on."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from campaign_common.settings import Settings, load_settings
from local_stack.servers.kafka import SESSION, group_timeouts
from tests.unit.deploy.manifests import (
    EVERYTHING,
    OWN_WORKLOADS,
    REPOSITORY,
    SERVICE_WORKLOADS,
    WORKLOADS,
    Workload,
    named,
    of_kind,
    workload,
)

DOCKERFILE = (REPOSITORY / "deploy" / "Dockerfile").read_text()
VERSION = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
SECRET = {
    "CAMP__MYSQL__DSN_FILE": "camp:secret@tcp(db:3306)/camp",
    "CAMP__KAFKAPROPERTIES__SASL__USERNAME_FILE": "camp",
    "CAMP__KAFKAPROPERTIES__SASL__PASSWORD_FILE": "secret",
    "CAMP__HTTP__AUTHORIZATION_FILE": "Bearer secret",
}
MARGIN = 5
"""Seconds beyond DrainTimeout for starting to stop, and for ending."""

every_overlay = pytest.mark.parametrize("overlay", EVERYTHING)
every_service = pytest.mark.parametrize("service", SERVICE_WORKLOADS, ids=repr)


def settings_of(each: Workload, folder: Path) -> Settings:
    """Load the settings as the pod's own variables and configuration make them."""
    file = folder / "campmgr.yaml"
    file.write_text(each.configuration)
    variables = {}
    for variable in each.containers[0]["env"]:
        name, value = variable["name"], variable["value"]
        if name.endswith("_FILE"):
            mounts = [mount["mountPath"] for mount in each.containers[0]["volumeMounts"]]
            assert str(Path(value).parent) in mounts
            secret = folder / name
            secret.write_text(SECRET[name])
            value = str(secret)
        variables[name] = str(file) if name == "CAMP_CONFIG" else value
    return load_settings(None, variables)


@pytest.mark.parametrize("each", OWN_WORKLOADS, ids=repr)
def test_every_pod_starts_with_settings_that_are_accepted(each: Workload, tmp_path: Path) -> None:
    settings = settings_of(each, tmp_path)
    assert settings.mysql.dsn.password == "secret"
    assert settings.msg_table_sharding_size == 8


@every_service
def test_ports_are_those_that_the_service_listens_on(service: Workload, tmp_path: Path) -> None:
    settings = settings_of(service, tmp_path)
    if service.name == "campaign-api":
        probed = {"http": settings.port}
        others = {"callbacks": settings.callback_port}
    else:
        probed = {"health": settings.health_port}
        others = {}
    assert service.ports == {**probed, **others, "metrics": settings.metrics_port}
    image = service.name.removeprefix("campaign-")
    target = re.search(
        rf"^FROM runtime AS {image}$(.*?)(?=^FROM|\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL
    )
    assert target is not None
    (port,) = probed.values()
    assert f"EXPOSE {port}\n" in target[1]
    assert f"http://127.0.0.1:{port}/healthz" in target[1]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert service.containers[0][probe]["httpGet"]["port"] in probed


@every_service
def test_prometheus_is_told_where_the_metrics_are(service: Workload) -> None:
    annotations = service.template["metadata"]["annotations"]
    assert annotations == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(service.ports["metrics"]),
        "prometheus.io/path": "/metrics",
    }
    policy = named(service.overlay, "NetworkPolicy", "metrics")["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= service.labels.items()
    (rule,) = policy["ingress"]
    assert rule["ports"] == [{"port": "metrics", "protocol": "TCP"}]


@every_overlay
def test_every_service_leads_to_a_port_that_exists(overlay: str) -> None:
    for found in of_kind(overlay, "Service"):
        (selected,) = (
            each
            for each in WORKLOADS
            if each.overlay == overlay and found["spec"]["selector"].items() <= each.labels.items()
        )
        assert {port["targetPort"] for port in found["spec"]["ports"]} <= selected.ports.keys()


@every_overlay
def test_every_ingress_leads_to_a_service(overlay: str) -> None:
    for ingress in of_kind(overlay, "Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                ports = named(overlay, "Service", backend["name"])["spec"]["ports"]
                assert backend["port"]["name"] in {port["name"] for port in ports}


def test_no_log_of_the_ingress_has_references_or_secrets() -> None:
    """They stand in the URLs of links and callbacks, which the log of ingress-nginx would have."""
    setting = "nginx.ingress.kubernetes.io/enable-access-log"
    logged = {
        path["path"]: ingress["metadata"]["annotations"].get(setting, "true")
        for ingress in of_kind("production", "Ingress")
        for rule in ingress["spec"]["rules"]
        for path in rule["http"]["paths"]
        if path["pathType"] == "Prefix"
    }
    assert logged == {"/v1/callbacks": "false", "/v1/inbound": "false", "/u": "false", "/": "true"}


@every_service
def test_a_pod_is_given_the_time_to_drain(service: Workload, tmp_path: Path) -> None:
    drain = settings_of(service, tmp_path).drain_timeout
    hook = service.containers[0].get("lifecycle", {}).get("preStop")
    before = 0
    if hook is not None:
        waits = re.search(r"sleep\((\d+)\)", hook["exec"]["command"][-1])
        assert waits is not None
        before = int(waits[1])
    assert service.grace >= before + drain + MARGIN


@every_overlay
def test_the_api_alone_waits_until_nobody_is_sent_to_it_any_more(overlay: str) -> None:
    hooked = {
        each.name
        for each in SERVICE_WORKLOADS
        if each.overlay == overlay and "lifecycle" in each.containers[0]
    }
    assert hooked == {"campaign-api"}


@every_overlay
def test_the_lists_are_mounted_where_the_api_looks_for_them(overlay: str, tmp_path: Path) -> None:
    api = workload(overlay, "campaign-api")
    mounts = {mount["name"]: mount for mount in api.containers[0]["volumeMounts"]}
    assert mounts["lists"]["mountPath"] == str(settings_of(api, tmp_path).csv_root)
    assert mounts["lists"]["readOnly"] is True


@every_overlay
def test_there_are_as_many_partitions_as_shards(overlay: str) -> None:
    """campaign-topics create makes that many where nothing else is said."""
    (topics,) = (
        each
        for each in WORKLOADS
        if each.overlay == overlay and each.name.startswith("campaign-topics")
    )
    container = topics.containers[0]
    assert container["command"] == ["/opt/campaign/bin/campaign-topics", "create"]
    assert "--partitions" not in container.get("args", [])


@every_overlay
def test_no_two_autoscalers_have_the_same_target(overlay: str) -> None:
    targets = [
        scaler["spec"]["scaleTargetRef"]["name"]
        for scaler in of_kind(overlay, "HorizontalPodAutoscaler", "ScaledObject")
    ]
    expected = {
        "hpa": ["campaign-api", "campaign-sender"],
        "keda": ["campaign-api", "campaign-sender"],
    }
    assert sorted(targets) == expected.get(overlay, ["campaign-api"])


@every_overlay
def test_an_autoscaler_alone_says_how_many_there_are(overlay: str) -> None:
    for scaler in of_kind(overlay, "HorizontalPodAutoscaler", "ScaledObject"):
        assert workload(overlay, scaler["spec"]["scaleTargetRef"]["name"]).replicas is None


@pytest.mark.parametrize("overlay", ["hpa", "keda"])
def test_senders_are_scaled_up_to_the_partition_count(overlay: str, tmp_path: Path) -> None:
    sender = workload(overlay, "campaign-sender")
    partitions = settings_of(sender, tmp_path).msg_table_sharding_size
    (most,) = (
        spec["maxReplicas"] if "maxReplicas" in spec else spec["maxReplicaCount"]
        for scaler in of_kind(overlay, "HorizontalPodAutoscaler", "ScaledObject")
        if (spec := scaler["spec"])["scaleTargetRef"]["name"] == "campaign-sender"
    )
    assert most == partitions


def test_keda_looks_at_the_group_that_the_senders_are_in(tmp_path: Path) -> None:
    settings = settings_of(workload("keda", "campaign-sender"), tmp_path)
    (scaler,) = of_kind("keda", "ScaledObject")
    (trigger,) = scaler["spec"]["triggers"]
    assert trigger["type"] == "kafka"
    assert trigger["metadata"]["consumerGroup"] == settings.send_client.group
    assert [trigger["metadata"]["topic"]] == list(settings.send_client.topics)
    assert trigger["metadata"]["bootstrapServers"] == ",".join(settings.send_client.brokers)
    assert int(trigger["metadata"]["version"].partition(".")[0]) >= 3
    authentication = named("keda", "TriggerAuthentication", trigger["authenticationRef"]["name"])
    assert {each["name"] for each in authentication["spec"]["secretTargetRef"]} <= workload(
        "keda", "campaign-sender"
    ).secrets


@pytest.mark.parametrize("each", OWN_WORKLOADS, ids=repr)
def test_images_and_labels_carry_the_version_of_the_project(each: Workload) -> None:
    assert each.labels["app.kubernetes.io/version"] == VERSION
    (container,) = each.containers
    assert container["image"].endswith(f":{VERSION}")
    command = container.get("command", ["/opt/campaign/bin/campaign"])[0]
    assert command.startswith("/opt/campaign/bin/campaign")


@pytest.mark.parametrize("each", OWN_WORKLOADS, ids=repr)
def test_pods_carry_the_revision_except_those_of_jobs(each: Workload) -> None:
    """A Job that stands cannot be given another label, so the next apply would be refused."""
    carried = "camp-mgr/revision" in each.labels
    assert carried == (each.overlay != "local" and each.kind == "Deployment")
    if carried:
        selector = each.document["spec"]["selector"]["matchLabels"]
        assert "camp-mgr/revision" not in selector


@pytest.mark.parametrize("overlay", ["production", "hpa", "keda"])
def test_only_the_networks_that_are_named_are_reached(overlay: str) -> None:
    reach = {
        found["metadata"]["name"]: {
            port["port"] for rule in found["spec"]["egress"] for port in rule["ports"]
        }
        for found in of_kind(overlay, "NetworkPolicy")
        if "egress" in found["spec"]
    }
    assert reach == {
        "dns": {53},
        "to-database": {3306},
        "to-kafka": {9093},
        "to-provider": {443},
        "to-traces": {4318},
    }


@every_overlay
def test_pods_may_reach_what_they_are_configured_to(overlay: str) -> None:
    reaching = {
        name: {
            each.name.removesuffix("-0-3-0")
            for each in WORKLOADS
            if each.overlay == overlay and each.labels.get(f"camp-mgr/reaches-{name}") == "true"
        }
        for name in ("database", "kafka")
    }
    services = {"campaign-scheduler", "campaign-sender", "campaign-topics"}
    assert reaching["kafka"] == services
    assert reaching["database"] == services | {
        *("campaign-api", "campaign-migrate", "campaign-first-key")
    }


def test_the_samples_of_compose_and_kubernetes_are_the_same() -> None:
    def sample(path: str) -> object:
        return yaml.safe_load((REPOSITORY / path).read_text())

    assert sample("deploy/compose/campmgr.yaml") == sample("k8s/base/campmgr.yaml")


def test_bundled_brokers_notice_a_lost_sender_as_soon() -> None:
    """The brokers that come along notice a lost sender as soon."""
    compose = yaml.safe_load((REPOSITORY / "deploy" / "compose.yaml").read_text())
    (container,) = workload("local", "kafka").containers
    brokers = [
        compose["services"]["kafka"]["environment"],
        {variable["name"]: variable["value"] for variable in container["env"]},
    ]
    properties = group_timeouts(int(SESSION * 1000), 1_000)
    variables = {
        f"KAFKA_{name.upper().replace('.', '_')}": value
        for name, value in properties.items()
        if name.startswith("group.consumer.")
    }
    assert all(variables.items() <= broker.items() for broker in brokers)
