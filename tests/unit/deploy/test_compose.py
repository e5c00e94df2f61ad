"""deploy/compose.yaml: valid, complete, and in agreement with images and settings.

compose-spec.json is the schema of the Compose Specification as github.com/compose-spec/compose-go
v2.9.0 carries it (schema/compose-spec.json, Apache License 2.0).
"""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from campaign_common.domain.api_key import ApiKey
from campaign_common.dsn import parse_dsn
from campaign_common.settings import load_settings

REPOSITORY = Path(__file__).parents[3]
DEPLOY = REPOSITORY / "deploy"
VALIDATOR = jsonschema.Draft7Validator(
    json.loads((Path(__file__).parent / "compose-spec.json").read_text())
)
VERSION = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LASTING = ("api", "scheduler", "sender")
ONE_SHOT = ("migrate", "topics", "first-key")

every_own_service = pytest.mark.parametrize("name", [*LASTING, *ONE_SHOT])


def seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


def test_the_file_is_valid() -> None:
    VALIDATOR.validate(COMPOSE)


def test_the_schema_knows_a_mistake() -> None:
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate({"services": {"api": {"imag": "campaign-api"}}})


def test_everything_is_there() -> None:
    assert set(SERVICES) == {"mysql", "kafka", *ONE_SHOT, *LASTING}
    assert SERVICES["scheduler"]["deploy"]["replicas"] == 2
    assert SERVICES["sender"]["deploy"]["replicas"] == 3


def test_a_campaign_leaves_the_processor_to_readers_of_the_api() -> None:
    default = 1_024
    shares = {name: service.get("cpu_shares", default) for name, service in SERVICES.items()}
    assert shares["sender"] < shares["scheduler"] < default
    assert {shares[name] for name in SERVICES if name not in ("sender", "scheduler")} == {default}


def named_image(name: str) -> str:
    """The image of a service where deploy/.env says nothing else."""
    image: str = SERVICES[name]["image"]
    chosen = re.fullmatch(r"\$\{[A-Z]+_IMAGE:-(?P<image>[^}]+)\}", image)
    return chosen["image"] if chosen else image


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_names_its_version(name: str) -> None:
    image, _, tag = named_image(name).rpartition(":")
    assert tag[0].isdigit()
    if image.startswith("campaign-"):
        assert tag == VERSION


def test_images_of_others_can_be_started_by_digest(tmp_path: Path) -> None:
    """Digests are the registry's to name; the script asks for those of the images named here."""
    script = tmp_path / "deploy" / "compose" / "pin.sh"
    script.parent.mkdir(parents=True)
    script.write_text((DEPLOY / "compose" / "pin.sh").read_text())
    digest = f"sha256:{'ab' * 32}"
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(f"#!/bin/sh\necho {digest}\n")
    docker.chmod(0o755)
    path = {"PATH": f"{docker.parent}:{os.environ['PATH']}"}
    subprocess.run(["sh", str(script)], check=True, env=path, capture_output=True)
    written = (tmp_path / "deploy" / ".env").read_text().splitlines()
    expected = {}
    for name, service in SERVICES.items():
        if variable := re.match(r"\$\{([A-Z_]+):-", service["image"]):
            expected[variable[1]] = f"{named_image(name)}@{digest}"
    assert dict(line.split("=", 1) for line in written) == expected
    assert set(expected) == {"MYSQL_IMAGE", "KAFKA_IMAGE"}
    docker.write_text("#!/bin/sh\necho nothing\n")
    failed = subprocess.run(["sh", str(script)], check=False, env=path, capture_output=True)
    assert failed.returncode != 0
    assert (tmp_path / "deploy" / ".env").read_text().splitlines() == written


def megabytes(size: str) -> int:
    number, unit = re.fullmatch(r"([0-9]+)([mg])", size.lower()).groups()  # type: ignore[union-attr]
    return int(number) * (1024 if unit == "g" else 1)


def test_no_container_takes_all_memory_of_the_machine() -> None:
    limits = {name: megabytes(service["mem_limit"]) for name, service in SERVICES.items()}
    assert limits.keys() == SERVICES.keys()
    pool = re.search(r"buffer-pool-size=([0-9]+M)", " ".join(SERVICES["mysql"]["command"]))
    heap = re.search(r"-Xmx([0-9]+m)", SERVICES["kafka"]["environment"]["KAFKA_HEAP_OPTS"])
    assert pool is not None
    assert heap is not None
    assert limits["mysql"] >= 2 * megabytes(pool[1])
    assert limits["kafka"] >= megabytes(heap[1]) + 384


@every_own_service
def test_every_container_is_hardened_as_in_kubernetes(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["user"] == "10001:10001"
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert len(service["tmpfs"]) == 1


@pytest.mark.parametrize("name", LASTING)
def test_services_start_after_what_they_need(name: str) -> None:
    assert SERVICES[name]["depends_on"] == {
        "first-key": {"condition": "service_completed_successfully"},
        "topics": {"condition": "service_completed_successfully"},
    }


def test_one_shots_start_after_what_they_need() -> None:
    assert SERVICES["migrate"]["depends_on"] == {"mysql": {"condition": "service_healthy"}}
    assert SERVICES["topics"]["depends_on"] == {
        "kafka": {"condition": "service_healthy"},
        "migrate": {"condition": "service_completed_successfully"},
    }
    for name in ("mysql", "kafka"):
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", ["scheduler", "sender"])
def test_services_can_be_scaled(name: str) -> None:
    assert not {"container_name", "ports", "hostname"} & SERVICES[name].keys()


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_named_is_declared(name: str) -> None:
    service = SERVICES[name]
    assert set(service.get("secrets", [])) <= COMPOSE["secrets"].keys()
    assert {each["source"] for each in service.get("configs", [])} <= COMPOSE["configs"].keys()
    volumes = {each.partition(":")[0] for each in service.get("volumes", [])}
    assert volumes <= COMPOSE["volumes"].keys()
    files = [
        value
        for variable, value in service.get("environment", {}).items()
        if variable.endswith("_FILE")
    ]
    assert {Path(file).name for file in files} <= set(service.get("secrets", []))


@pytest.mark.parametrize("name", LASTING)
def test_a_container_lasts_and_is_given_the_time_to_drain(name: str) -> None:
    service = SERVICES[name]
    settings = load_settings(
        DEPLOY / "compose" / "campmgr.yaml",
        {"CAMP__MYSQL__DSN": "camp:secret@tcp(mysql:3306)/camp"},
    )
    assert service["restart"] == "unless-stopped"
    assert seconds(service["stop_grace_period"]) >= settings.drain_timeout + 5
    port = settings.port if name == "api" else settings.health_port
    assert service["healthcheck"]["test"][-1] == f"http://127.0.0.1:{port}/readyz"
    assert service["expose"] == [str(settings.metrics_port)]


def test_there_are_as_many_partitions_as_shards() -> None:
    """campaign-topics create makes that many where nothing else is said."""
    assert SERVICES["topics"]["command"] == ["/opt/campaign/bin/campaign-topics", "create"]


def test_secrets_are_made_once_and_fit_together(tmp_path: Path) -> None:
    script = tmp_path / "secrets.sh"
    script.write_text((DEPLOY / "compose" / "secrets.sh").read_text())
    subprocess.run(["sh", str(script)], check=True)
    made = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    subprocess.run(["sh", str(script)], check=True)
    again = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert made == again
    assert made.keys() == COMPOSE["secrets"].keys()
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    assert ApiKey.parse(made["first-key"]) is not None
    dsn = parse_dsn(made["dsn"])
    environment = SERVICES["mysql"]["environment"]
    assert dsn.password == made["mysql-password"]
    assert (dsn.user, dsn.database) == (environment["MYSQL_USER"], environment["MYSQL_DATABASE"])
    assert dsn.host in SERVICES


def test_images_are_built_of_what_they_need_and_nothing_else() -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    kept = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert "*" in ignored
    assert kept == copied
