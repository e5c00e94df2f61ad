"""The recording provider as tests use it: a process of its own, and its log."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import requests

from tests.support.providers.recording_provider import Call, Faults

HEADERS = {"Idempotency-Key": "{key}", "Started-At": "{now.unix_ms}"}
BODY = {
    "message_id": "{key}",
    "campaign_id": "{campaign_id}",
    "seq": "{seq}",
    "phone": "{phone}",
    "body": "{body}",
}

MODULE = "tests.support.providers.recording_provider"
PROJECT = Path(__file__).parents[3]


class RecordingProvider:
    """One running recording provider."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self._server = f"http://127.0.0.1:{port}"
        self.url = f"{self._server}/messages"
        self._log = log
        self._times_called = Counter[str]()
        self._counted_to = 0

    def template(
        self, headers: Mapping[str, str] | None = None, **more: object
    ) -> dict[str, object]:
        """Return the keys of a provider that sends here, and says when each request starts."""
        return {
            "Kind": "http",
            "Url": self.url,
            "AllowedNetworks": ["127.0.0.0/8"],
            "Headers": {**HEADERS, **(headers or {})},
            "Body": {"Type": "json", "Json": BODY},
            **more,
        }

    def calls(self) -> list[Call]:
        """Return every call so far, in the order of arrival; a line may be written meanwhile."""
        decode = msgspec.json.Decoder(Call).decode
        whole, _, _ = self._log.read_bytes().rpartition(b"\n")
        return [decode(line) for line in whole.splitlines()]

    def times_called(self) -> Counter[str]:
        """Return how often each idempotency key was called so far, even while more calls arrive.

        The log is read from where the last reading ended: one that began at its start again would
        last longer than a message stays claimed.
        """
        decode = msgspec.json.Decoder(Call).decode
        with self._log.open("rb") as log:
            log.seek(self._counted_to)
            whole, line_end, _ = log.read().rpartition(b"\n")
        self._counted_to += len(whole) + len(line_end)
        self._times_called.update(decode(line).key for line in whole.splitlines())
        return self._times_called

    def status(self) -> dict[str, int]:
        """Return the number of `calls` that were taken, and of those `in_flight`."""
        answer: dict[str, int] = requests.get(f"{self._server}/status", timeout=10).json()
        return answer

    def set_faults(self, faults: Faults) -> None:
        """Replace the faults, for calls that arrive from now on."""
        body = msgspec.json.encode(faults)
        requests.put(f"{self._server}/faults", body, timeout=10).raise_for_status()


@contextmanager
def recording_provider(log: Path, *options: Any) -> Iterator[RecordingProvider]:  # noqa: ANN401
    """Start a recording provider, with the options of its command line."""
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "tests.support.providers.recording_provider",
        "--log",
        log,
    ]
    command += [str(option) for option in options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PROJECT)
    try:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        yield RecordingProvider(process, port, log)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
