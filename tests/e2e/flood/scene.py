"""A flood, the well-behaved clients beside it, and the workers that must outlast it."""

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any, NamedTuple

import psutil
import requests

from benchmarks.flood.process import Flood, flooding
from benchmarks.flood.script import Outcome, Script
from benchmarks.sampling import MEGABYTE
from campaign_common.domain.api_key import ApiKey
from tests.e2e.callbacks.gateways import Sent, kannel
from tests.support.keys import bearer
from tests.support.services.api_service import ApiService
from tests.support.waiting import wait_until

MOST_MEGABYTES = 150
"""Memory limit of one worker, after any floods and under any other load of the machine."""

PATIENCE = 60.0
"""Seconds that a well-behaved client waits: no figure, but when it calls the API down."""

NICENESS = 10
"""Niceness of the floods, so that the API and its other clients have priority."""

LOOK_AGAIN = 0.05

BETWEEN_ROUNDS = 0.25
"""Seconds, once there were enough of them: other tests run at the same time."""

FAILURES = frozenset({"error", "critical"})
"""Levels of log lines that say that the API failed, and not its client."""

FILE = b"name,phone\nAnn,13961467500\nBob,13961467501\n"


class Keys(NamedTuple):
    """Keys of the well-behaved clients (scope admin), and of two floods."""

    own: ApiKey
    reader: ApiKey
    writer: ApiKey


class Stored(NamedTuple):
    """Ids of what there is to read."""

    large_campaign: int
    draft: int
    """Draft with as many recipients as the large campaign."""
    campaign: int
    list: int
    """List of a few people, used by `campaign`."""
    rejects: int
    """A list with 12 MB of rejects: more than any system takes without its being read."""


class Expected(NamedTuple):
    """A request of a well-behaved client, and its status."""

    method: str
    path: str
    status: int
    options: Mapping[str, Any]


class Watch:
    """The workers of an API over a time: the same ones, in bounded memory."""

    def __init__(self, api: ApiService) -> None:
        self._api = api
        self._workers = api.workers()
        self._logged = api.log.stat().st_size
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.megabytes = 0.0
        self._thread.start()

    def end(self) -> None:
        self._stop.set()
        self._thread.join()

    def assert_unharmed(self) -> None:
        assert _identities(self._api.workers()) == _identities(self._workers), "a worker died"
        assert self.megabytes <= MOST_MEGABYTES, f"a worker held {self.megabytes:.0f} MB"
        failures = self.failures()
        assert not failures, failures[:5]

    def failures(self) -> list[str]:
        """Lines of the API's log since the beginning that tell of a failure of its own."""
        with self._api.log.open("rb") as log:
            log.seek(self._logged)
            lines = log.read().decode(errors="replace").splitlines()
        return [line for line in lines if _level(line) in FAILURES]

    def _sample(self) -> None:
        while not self._stop.wait(LOOK_AGAIN):
            for worker in self._workers:
                with suppress(psutil.NoSuchProcess):
                    held = worker.memory_info().rss / MEGABYTE
                    self.megabytes = max(self.megabytes, held)


class Scene:
    """A running API, its data, and what well-behaved clients ask of it."""

    def __init__(self, api: ApiService, keys: Keys, stored: Stored) -> None:
        self.api = api
        self.keys = keys
        self.stored = stored
        self._numbers = count(1)

    @contextmanager
    def flooded(self, *scripts: Script) -> Iterator[Flood]:
        """Flood the API during the block; afterwards all is as before."""
        self.recover()
        watch = Watch(self.api)
        try:
            with flooding(self.api.url, scripts, NICENESS) as flood:
                flood.wait_until_begun()
                yield flood
            self.recover()
        finally:
            watch.end()
        watch.assert_unharmed()

    def stands(self, *scripts: Script, rounds: int = 2, seconds: float = 4.0) -> Outcome:
        """Serve well-behaved clients while the flood sends what it sends, for `seconds` at most."""
        with self.flooded(*scripts) as flood:
            until = time.monotonic() + seconds
            while rounds > 0 or not (flood.has_sent() or time.monotonic() > until):
                self.serve()
                rounds -= 1
                if rounds <= 0:
                    time.sleep(BETWEEN_ROUNDS)
        return flood.outcome

    def outlasts(self, *scripts: Script) -> Outcome:
        """Serve well-behaved clients until the API has ended each connection of the flood."""
        connections = sum(script.clients for script in scripts)
        with self.flooded(*scripts) as flood:
            wait_until(
                lambda: self.serve() or flood.outcome.ended >= connections,
                interval=BETWEEN_ROUNDS,
            )
        return flood.outcome

    def serve(self) -> None:
        """Ask for everything that well-behaved clients ask for, and find it answered."""
        unserved = self.unserved()
        assert not unserved, unserved

    def recover(self) -> None:
        """Wait until well-behaved clients are served, the flood's own keys included."""
        wait_until(lambda: self.unserved() == {}, interval=0.1)
        for key in (self.keys.reader, self.keys.writer):
            wait_until(lambda key=key: self._is_served(key))  # type: ignore[misc]

    def unserved(self) -> dict[str, object]:
        """Send requests of every kind at once; return the answers that are not as expected."""
        wanted = self._wanted()
        with ThreadPoolExecutor(len(wanted)) as clients:
            answers = list(clients.map(self._ask, wanted))
        return {
            f"{each.method} {each.path}": answer
            for each, answer in zip(wanted, answers, strict=True)
            if answer != each.status
        }

    def _ask(self, wanted: Expected) -> object:
        headers = bearer(self.keys.own) | wanted.options.get("headers", {})
        options = {**wanted.options, "headers": headers, "timeout": PATIENCE}
        try:
            answer = requests.request(  # noqa: S113 - it is among the options
                wanted.method, f"{self.api.url}{wanted.path}", **options
            )
        except requests.RequestException as error:
            return repr(error)
        return answer.status_code if answer.status_code == wanted.status else answer.text

    def _is_served(self, key: ApiKey) -> bool:
        path = f"/v1/campaigns/{self.stored.campaign}/messages.csv"
        with suppress(requests.RequestException):
            url = f"{self.api.url}{path}"
            return requests.get(url, headers=bearer(key), timeout=PATIENCE).ok
        return False

    def _wanted(self) -> Sequence[Expected]:
        campaign = {"name": "x", "template": "hi {name}", "recipient_list_id": self.stored.list}
        original = {
            "campaign_name": "x",
            "campaign_id": next(self._numbers),
            "message_template": "hi {name}",
            "scheduled_time": 4_102_444_800,
            "csv_file_path": "recipients.csv",
        }
        file = {"data": FILE, "headers": {"Content-Type": "text/csv"}}
        return (
            Expected("GET", "/healthz", 200, {}),
            Expected("GET", "/readyz", 200, {}),
            Expected("GET", f"/v1/campaigns/{self.stored.campaign}/progress", 200, {}),
            Expected("GET", f"/v1/campaigns/{self.stored.campaign}/messages.csv", 200, {}),
            Expected("GET", kannel(Sent(1, 1)).path, 200, {}),
            Expected("POST", "/v1/campaigns", 201, {"json": campaign}),
            Expected("POST", "/v1/camp/create", 200, {"json": original}),
            Expected("POST", "/v1/recipient-lists?name=good", 201, file),
        )


def _identities(workers: Sequence[psutil.Process]) -> set[tuple[int, float]]:
    return {(worker.pid, worker.create_time()) for worker in workers}


def _level(line: str) -> object:
    try:
        return json.loads(line).get("level")
    except ValueError:
        return "error"  # a trace that something printed
