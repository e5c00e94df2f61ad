"""The API service as its users run it: a process, a configuration file, HTTP."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests
import yaml

from campaign_common.database import Databases
from campaign_common.settings import load_settings
from local_stack.ports import free_port
from tests.support.servers.schemas import make_all_current
from tests.support.services.processes import Process, completed, started
from tests.support.waiting import wait_until

SHARDS = 2

REQUEST: Mapping[str, Any] = {
    "campaign_name": "game0",
    "campaign_id": 1000000000,
    "message_template": "hi {name}, this is a test message.",
    "scheduled_time": 1727351999,
    "csv_file_path": "recipients.csv",
}


class ApiService:
    """One running campaign-api."""

    def __init__(self, process: Process, port: int, log: Path) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.log = log

    def create(self, **changes: Any) -> requests.Response:  # noqa: ANN401 - any JSON
        return requests.post(f"{self.url}/v1/camp/create", json={**REQUEST, **changes}, timeout=120)

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()


def write_configuration(folder: Path, dsn: str, **keys: Any) -> Path:  # noqa: ANN401 - any YAML
    (folder / "csv").mkdir(exist_ok=True)
    brokers = ["127.0.0.1:1"]  # the API service does not use Kafka
    document = {
        "Host": "127.0.0.1",
        "Port": free_port(),
        "Mysql": {"DSN": dsn},
        "SyncClient": {"Brokers": brokers},
        "SendClient": {"Brokers": brokers},
        "MsgTableShardingSize": SHARDS,
        "CsvRoot": str(folder / "csv"),
        "DrainTimeout": "20s",
        "Workers": 2,
        **keys,
    }
    path = folder / "campmgr.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def make_schema(configuration: Path) -> None:
    """Make the schema that `campaign-db migrate` makes in an empty one."""
    settings = load_settings(configuration, {})
    databases = Databases.configured(settings)
    make_all_current(databases, settings.msg_table_sharding_size)
    databases.close()


@contextmanager
def running_api(configuration: Path, folder: Path | None = None) -> Iterator[ApiService]:
    """Run the service, in `folder` where one is named, and stop it in order."""
    port = yaml.safe_load(configuration.read_text())["Port"]
    log = configuration.with_name("api.log")
    with log.open("wb") as out:
        process = started("campaign-api", configuration, out, folder)
    service = ApiService(process, port, log)
    try:
        wait_until(lambda: service.answers() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield service
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)


def run_program(program: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return completed(program, arguments)
