"""Reads and writes of the API with millions of outcomes stored: idle, sending, uploading."""

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count

import click
import requests

from benchmarks.clients import Ask, Request, Times, asking
from benchmarks.filling import LIST, fill
from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.recipients import FIRST_PHONE, write_recipients
from benchmarks.results import Run, note_latencies
from benchmarks.site import Site
from benchmarks.system import ANSWER_SECONDS, TEMPLATE
from campaign_common.domain.api_key import ApiKey, Scope
from campaign_common.store.access.api_keys import insert_key

MEMORY = "3G"
"""InnoDB's buffer pool; what it does not hold is read from a disk that commits keep busy."""

RETRY_SECONDS = 0.5

UPLOADS = 8
"""Lists that are uploaded at the same time."""


@dataclass(frozen=True)
class Scale:
    """The amount of stored data, and the rate of requests."""

    people: int
    campaigns: int
    rate: float
    idle_seconds: float
    upload_rows: int


@click.command("api")
@click.option("--people", default=2_000_000, show_default=True, help="In steps of 100,000.")
@click.option("--campaigns", default=5, show_default=True, help="Finished ones, one row a person.")
@click.option("--rate", default=15.0, show_default=True, help="Requests of each kind a second.")
@click.option("--idle-seconds", default=20.0, show_default=True)
@click.option("--upload-rows", default=1_000_000, show_default=True, help="Of each upload.")
@measuring_options
def api(
    measuring: Measuring,
    people: int,
    campaigns: int,
    rate: float,
    idle_seconds: float,
    upload_rows: int,
) -> None:
    """Reads and writes of the API, idle, while a campaign sends, and beside uploads."""

    def measure(site: Site, show: Show) -> Run:
        return ask_once(site, show, Scale(people, campaigns, rate, idle_seconds, upload_rows))

    label = f"{people * campaigns:,} outcomes stored, {rate:g} requests/s of each kind"
    parameters = {"people": people, "campaigns": campaigns, "rate": rate}
    options = (f"--innodb-buffer-pool-size={MEMORY}",)
    choice = replace(measuring.choice, database_options=options)
    measuring.measure("api", [Case(label, measure, parameters)], choice)


def ask_once(site: Site, show: Show, scale: Scale) -> Run:
    """Send requests for a while on an idle system, and then while a campaign sends."""
    run = Run()
    with site.system(senders=1) as system:
        if not system.has_list(LIST):
            show("filling", 0, 1)
            fill(system.cursor, scale.people, scale.campaigns)
        key = ApiKey.generate()
        sending = system.draft(LIST)
        insert_key(system.cursor, key.id, "benchmark", Scope.ADMIN, key.digest())
        kinds = requests_of(scale, sending)
        with asking(system.url, key.token, kinds, scale.rate) as idle:
            time.sleep(scale.idle_seconds)
        system.authenticate(key.token)
        system.change(sending, "start")
        system.follow(scale.people // 100, sending)
        began = time.monotonic()
        with asking(system.url, key.token, kinds, scale.rate) as busy:
            system.follow(scale.people, sending, lambda n: show("sending", n, scale.people))
        seconds = time.monotonic() - began
        show("uploading", 0, 1)
        file = write_recipients(site.csv_root / "upload.csv", scale.upload_rows)
        began = time.monotonic()
        with asking(system.url, key.token, kinds, scale.rate) as importing:
            upload_at_once(system.url, key.token, file.read_bytes())
        upload_seconds = time.monotonic() - began
        system.cursor.execute("DELETE FROM api_keys")
    note(run, "idle", idle)
    note(run, "sending", busy)
    note(run, "uploading", importing)
    run.note("imported meanwhile", UPLOADS * scale.upload_rows / upload_seconds, "rows/s")
    run.note("sending meanwhile", scale.people * 0.99 / seconds, "msg/s")
    return run


def requests_of(scale: Scale, sending: int) -> Mapping[str, Ask]:
    """Name the kinds of requests that are measured."""
    anybody = random.Random(1)  # noqa: S311 - spreads the reads over the index
    number = count(1)

    def person() -> Request:
        return Request(
            "GET", f"/v1/messages?phone={FIRST_PHONE + anybody.randint(1, scale.people)}"
        )

    def page() -> Request:
        return Request("GET", f"/v1/campaigns/{anybody.randint(1, scale.campaigns)}/messages")

    def new_draft() -> Request:
        name = f"draft-{next(number)}"
        body = {"name": name, "template": TEMPLATE, "recipient_list_id": LIST}
        return Request("POST", "/v1/campaigns", body)

    return {
        "progress": lambda: Request("GET", f"/v1/campaigns/{sending}/progress"),
        "one person": person,
        "page of 100": page,
        "statistics": lambda: Request("GET", "/v1/stats"),
        "new draft": new_draft,
    }


def upload_at_once(url: str, token: str, body: bytes) -> None:
    """Upload `UPLOADS` lists at the same time; one that finds no slot is sent again."""
    errors: list[str] = []

    def upload(number: int) -> None:
        name = f"upload-{number}"
        while True:
            answer = requests.post(
                f"{url}/v1/recipient-lists",
                params={"name": name},
                data=body,
                headers={"Content-Type": "text/csv", "Authorization": f"Bearer {token}"},
                timeout=ANSWER_SECONDS,
            )
            if answer.status_code != requests.codes.too_many_requests:
                break
            time.sleep(RETRY_SECONDS)
        if answer.status_code != requests.codes.created:
            errors.append(f"{answer.status_code}: {answer.text}")

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(UPLOADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise RuntimeError(f"an upload was refused: {errors[0]}")


def note(run: Run, when: str, times: Times) -> None:
    """Note the percentiles of each kind of request."""
    for kind, milliseconds in times.items():
        note_latencies(run, f"{kind}, {when}", milliseconds)
