"""Answers to 50 well-behaved clients while the API is flooded, and how soon it recovers."""

import http.client
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count

import click
import psutil
import requests

from benchmarks.clients import Ask, AskingThread, Client, Request
from benchmarks.filling import fill
from benchmarks.flood.everything import Aims, everything
from benchmarks.flood.process import flooding
from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.results import Run, note_latencies
from benchmarks.sampling import PeakMemory
from benchmarks.site import Site
from benchmarks.system import MUCH_LATER, TEMPLATE, System
from campaign_common.domain.api_key import ApiKey, Scope
from campaign_common.store.access.api_keys import insert_key

API = "campaign-api"

NICENESS = 19
"""Niceness of the flood's clients, so that everything else has priority."""

CLIENTS = 25
"""Number of well-behaved clients of each kind."""

BEGIN_SECONDS = 200.0
"""Time for all clients of a flood to connect, which at niceness 19 is long on a busy machine."""

BOUNDS = {"healthz": 200.0, "create": 500.0}
"""Milliseconds within which a recovered system answers, by kind of request."""

FILE = "few.csv"
PEOPLE = "name,phone\nAnn,13961467500\nBob,13961467501\n"

CAMPAIGN = 1
"""Campaign that `fill` makes."""

REJECTS = 6_000
"""Number of rows of 2 kB, more than socket buffers hold for a client that does not read."""

FIRST_NEW = 1_000_000


class Well(Client):
    """A well-behaved client with a connection for each request.

    A client that keeps its connection may find it closed and send its request again, so that its
    times would measure the client.
    """

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, token)
        self.unanswered: list[str] = []

    def ask(self, request: Request) -> bytes:
        """Send a request, and note it if the answer is not a success."""
        try:
            return super().ask(request)
        except (OSError, http.client.HTTPException, RuntimeError) as error:
            self.unanswered.append(repr(error)[:200])
            return b""
        finally:
            self.close()


@click.command("flood")
@click.option("--people", default=100_000, show_default=True, help="In the campaign exported.")
@click.option("--rate", default=1.0, show_default=True, help="Requests of each client a second.")
@click.option("--seconds", default=20.0, show_default=True, help="How long the flood lasts.")
@measuring_options
def flood(measuring: Measuring, people: int, rate: float, seconds: float) -> None:
    """Answers to 50 well-behaved clients while the API is flooded."""

    def case(label: str, *, has_keys: bool) -> Case:
        def measure(site: Site, show: Show) -> Run:
            return flood_once(site, show, people, rate, seconds, has_keys=has_keys)

        parameters = {"people": people, "rate": rate, "seconds": seconds, "keys": has_keys}
        return Case(label, measure, parameters)

    cases = [case("without a key", has_keys=False), case("with keys", has_keys=True)]
    measuring.measure("flood", cases)


def flood_once(
    site: Site, show: Show, people: int, rate: float, seconds: float, *, has_keys: bool
) -> Run:
    """Send requests before, during and after a flood."""
    run = Run()
    (site.csv_root / FILE).write_text(PEOPLE)
    with site.system(senders=0) as system:
        if not site.imported:
            show("filling", 0, 1)
            fill(system.cursor, people, 1)
            site.imported = True
        own, reader, writer = (_key(system, scope) for scope in (Scope.ADMIN, *list(Scope)[:2]))
        system.authenticate(own.token)
        aims = Aims(CAMPAIGN, _rejects(system, own), *((reader, writer) if has_keys else ()))
        kinds = requests_of()
        show("idle", 0, 1)
        with well_behaved(run, "idle", system.url, own, kinds, rate):
            time.sleep(seconds / 4)
        show("flooded", 0, 1)
        with PeakMemory({API: system.services.processes[API]}) as peak:
            with flooding(system.url, everything(aims), NICENESS) as clients:
                clients.wait_until_begun(BEGIN_SECONDS)
                began, used = time.monotonic(), clients.outcome.processor
                with well_behaved(run, "flooded", system.url, own, kinds, rate):
                    time.sleep(seconds)
                used = clients.outcome.processor - used
                cores = used / (time.monotonic() - began)
            run.note("recovery", recovery(Well(system.url, own.token), kinds), "s")
        run.note("memory: api", peak.megabytes[API], "MB")
        run.note("flood's share of the processor", cores / (psutil.cpu_count() or 1), "share")
        run.note("flood's connections", clients.outcome.connected, "connections")
        system.cursor.execute("DELETE FROM api_keys")
    return run


def requests_of() -> Mapping[str, Ask]:
    """Name the kinds of requests of the well-behaved clients."""
    numbers = count(FIRST_NEW + int(time.time()))

    def create() -> Request:
        body = {
            "campaign_name": "new",
            "campaign_id": next(numbers),
            "message_template": TEMPLATE,
            "scheduled_time": int(time.time()) + MUCH_LATER,
            "csv_file_path": FILE,
        }
        return Request("POST", "/v1/camp/create", body)

    return {"healthz": lambda: Request("GET", "/healthz"), "create": create}


@contextmanager
def well_behaved(
    run: Run, when: str, url: str, key: ApiKey, kinds: Mapping[str, Ask], rate: float
) -> Iterator[None]:
    """Send requests during the block; note the answers' percentiles and the number missing."""
    stop = threading.Event()
    clients = [(kind, Well(url, key.token)) for kind in kinds for _ in range(CLIENTS)]
    threads = [
        (kind, AskingThread(client, kinds[kind], 1 / rate, stop)) for kind, client in clients
    ]
    for _, thread in threads:
        thread.start()
        stop.wait(1 / rate / len(threads))
    try:
        yield
    finally:
        stop.set()
        for _, thread in threads:
            thread.join()
    for kind in kinds:
        times = [each for name, thread in threads if name == kind for each in thread.times]
        note_latencies(run, kind if when == "flooded" else f"{kind}, {when}", times)
    missing = [each for _, client in clients for each in client.unanswered]
    run.note(f"unanswered, {when}", len(missing), "requests")
    if missing:
        click.echo(f"{when}: {len(missing)} unanswered, such as {missing[0]}", err=True)


def recovery(client: Well, kinds: Mapping[str, Ask]) -> float:
    """Return the seconds from now until a request of each kind is answered within its bound."""
    began = time.monotonic()
    while True:
        at = time.monotonic()
        missing = len(client.unanswered)
        if all(_is_quick(client, kinds[kind], bound) for kind, bound in BOUNDS.items()):
            return at - began
        if len(client.unanswered) > missing:
            time.sleep(0.05)


def _is_quick(client: Well, ask: Ask, bound: float) -> bool:
    began, missing = time.monotonic(), len(client.unanswered)
    client.ask(ask())
    is_answered = len(client.unanswered) == missing
    return is_answered and (time.monotonic() - began) * 1_000 <= bound


def _key(system: System, scope: Scope) -> ApiKey:
    made = ApiKey.generate()
    insert_key(system.cursor, made.id, "benchmark", scope, made.digest())
    return made


def _rejects(system: System, key: ApiKey) -> int:
    headers = {"Authorization": f"Bearer {key.token}", "Content-Type": "text/csv"}
    answer = requests.post(
        f"{system.url}/v1/recipient-lists?name=rejected",
        data=PEOPLE + f"{'x' * 2_000}\n" * REJECTS,
        headers=headers,
        timeout=60,
    )
    answer.raise_for_status()
    return int(answer.json()["id"])
