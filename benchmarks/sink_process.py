"""The sink as a process of its own, and the settings that send to it."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests

from campaign_providers.http.requests.fixed_body import BODY
from local_stack.distributions.cache import REPOSITORY

CONNECTIONS = 256
"""The default of Http.Connections."""


class SinkProcess:
    """One running sink."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid = pid
        self._server = f"http://127.0.0.1:{port}"
        self._http = requests.Session()

    def settings(self, connections: int = CONNECTIONS, **more: object) -> Mapping[str, object]:
        """Return the settings to send here, over so many connections of each sender."""
        http = {
            "Url": f"{self._server}/messages",
            "AllowedNetworks": ["127.0.0.0/8"],
            "Connections": connections,
            **more,
        }
        return {"Provider": "http", "Http": http}

    def template(self, connections: int = CONNECTIONS) -> Mapping[str, object]:
        """Return the settings to send the same requests here by a template."""
        gateway = {
            "Kind": "http",
            "Url": f"{self._server}/messages",
            "AllowedNetworks": ["127.0.0.0/8"],
            "Connections": connections,
            "Headers": {"Idempotency-Key": "{key}"},
            "Body": {"Type": "json", "Json": dict(BODY)},
            "Answers": [{"Status": "2xx", "Then": "success", "Id": "id"}],
        }
        return {"Provider": "gateway", "Providers": {"gateway": gateway}}

    def status(self) -> Mapping[str, Any]:
        """Return the number of `calls`, and the time of the `last` one in seconds since boot."""
        answer: Mapping[str, Any] = self._http.get(f"{self._server}/status", timeout=10).json()
        return answer


@contextmanager
def running_sink(latency: float) -> Iterator[SinkProcess]:
    """Run a sink for the time of the block."""
    command = [sys.executable, "-m", "benchmarks.sink", "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPOSITORY) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("the sink has no output")
            port = json.loads(process.stdout.readline())["port"]
            yield SinkProcess(process.pid, port)
        finally:
            process.kill()
