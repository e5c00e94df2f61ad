"""A real Prometheus that scrapes what a test runs, every second, and answers its queries."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from local_stack.ports import free_port
from tests.support.waiting import wait_until

SCRAPE_SECONDS = 1


class PrometheusServer:
    """A client of the Prometheus server at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self._url}/-/ready", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    def ask(self, path: str, **parameters: str | float) -> Any:  # noqa: ANN401 - JSON
        """The `data` of an answer of the HTTP API."""
        answer = requests.get(f"{self._url}/api/v1/{path}", params=parameters, timeout=10)
        body = answer.json()
        assert body["status"] == "success", f"{parameters}: {body}"
        return body["data"]

    def now(self, query: str) -> list[float]:
        """The present value of every series that a query returns."""
        return [float(series["value"][1]) for series in self.ask("query", query=query)["result"]]

    def over_time(self, query: str, start: float, end: float) -> list[list[float]]:
        """The values of every series that a query returns, second by second."""
        data = self.ask("query_range", query=query, start=start, end=end, step=SCRAPE_SECONDS)
        return [[float(value) for _, value in series["values"]] for series in data["result"]]


@contextmanager
def running_prometheus(
    program: Sequence[str], folder: Path, targets: Mapping[str, int]
) -> Iterator[PrometheusServer]:
    """Scrape the local ports of `targets`, each as a job of its own, while the block runs."""
    folder.mkdir()
    configuration = folder / "prometheus.yml"
    jobs = [
        {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        for job, port in targets.items()
    ]
    every = {"scrape_interval": f"{SCRAPE_SECONDS}s"}
    configuration.write_text(yaml.safe_dump({"global": every, "scrape_configs": jobs}))
    port = free_port()
    command = [
        *program,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    server = PrometheusServer(f"http://127.0.0.1:{port}")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until(lambda: server.is_ready() or process.poll() is not None)
        assert process.poll() is None, (folder / "log").read_text()
        yield server
    finally:
        process.terminate()
        process.wait(10)
