"""Pages of the dashboard: their bytes and times, and what people who follow a campaign cost."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import click
import pymysql

from benchmarks.filling import LIST, fill
from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.results import Run, note_latencies, percentile
from benchmarks.sampling import Family
from benchmarks.site import Site
from benchmarks.system import System
from benchmarks.visitors import Seen, Visitor, viewing
from campaign_common.domain.api_key import ApiKey, Scope
from campaign_common.store.access.api_keys import insert_key

MEMORY = "3G"
"""InnoDB's buffer pool, as in the scenario `api`."""

API = "campaign-api"
API_PROCESSES = 2
"""The default of `Workers`."""

COUNTED_SECONDS = 20.0
"""For which the server logs its statements."""

MARK = "SELECT%FROM possible_duplicates WHERE%"
"""A statement of each read of the progress of a campaign, and of nothing else that runs then."""

COUNT = "SELECT COUNT(*) FROM mysql.general_log WHERE argument LIKE %s"


@dataclass(frozen=True)
class Sizes:
    """The amount of stored data, the requests of each screen, and the people who look."""

    people: int
    campaigns: int
    requests: int
    viewers: int


@click.command("pages")
@click.option("--people", default=2_000_000, show_default=True, help="In steps of 100,000.")
@click.option("--campaigns", default=5, show_default=True, help="Finished ones, one row a person.")
@click.option("--requests", default=200, show_default=True, help="Of each screen.")
@click.option("--viewers", default=200, show_default=True, help="Of a running campaign.")
@measuring_options
def pages(measuring: Measuring, people: int, campaigns: int, requests: int, viewers: int) -> None:
    """Pages of the dashboard, alone and with people who follow a campaign."""

    def measure(site: Site, show: Show) -> Run:
        return open_all(site, show, Sizes(people, campaigns, requests, viewers))

    label = f"{people * campaigns:,} outcomes stored, {viewers} viewers"
    parameters = {"people": people, "campaigns": campaigns, "viewers": viewers}
    options = (f"--innodb-buffer-pool-size={MEMORY}",)
    choice = replace(measuring.choice, database_options=options)
    measuring.measure("pages", [Case(label, measure, parameters)], choice)


def open_all(site: Site, show: Show, sizes: Sizes) -> Run:
    """Open each screen many times, then look at a campaign that runs, and at one that rests."""
    run = Run()
    with site.system(senders=1) as system:
        if not system.has_list(LIST):
            show("filling", 0, 1)
            fill(system.cursor, sizes.people, sizes.campaigns)
        alone, followed = system.draft(LIST), system.draft(LIST)
        key = ApiKey.generate()
        insert_key(system.cursor, key.id, "benchmark", Scope.ADMIN, key.digest())
        system.authenticate(key.token)
        note_screens(run, Visitor(system.url, key.token), sizes.requests, followed)
        show("alone", 0, 1)
        without = sent(system, sizes, alone)
        show("followed", 0, 1)
        path = f"/campaigns/{followed}"
        with viewing(system.url, key.token, path, sizes.viewers) as viewers:
            beside = sent(system, sizes, followed)
        polls = [poll for viewer in viewers for poll in viewer.polls]
        note_viewers(run, without, beside, polls)
        show("resting", 0, 1)
        run.note("reads of progress a second and process", reads(system, sizes, key), "1/s")
        system.cursor.execute("DELETE FROM api_keys")
        system.cursor.execute("DELETE FROM web_sessions")
    return run


@dataclass(frozen=True)
class Sent:
    """The rate of a campaign, and the cores that the API used meanwhile."""

    rate: float
    cores: float


def sent(system: System, sizes: Sizes, campaign: int) -> Sent:
    """Send a campaign to everybody, and measure from its first hundredth to its last outcome."""
    family = Family(system.services.processes[API])
    system.change(campaign, "start")
    first = sizes.people // 100
    system.follow(first, campaign)
    began, used = time.monotonic(), family.processor_seconds()
    system.follow(sizes.people, campaign)
    seconds = time.monotonic() - began
    return Sent((sizes.people - first) / seconds, (family.processor_seconds() - used) / seconds)


def note_screens(run: Run, visitor: Visitor, requests: int, campaign: int) -> None:
    """Note bytes and times of each screen, of which nothing is kept by the browser."""
    of_one = {"a campaign": f"/campaigns/{campaign}"}
    screens: Mapping[str, str] = {**visitor.screens(), **of_one}
    for name, path in screens.items():
        run.note(f"{name}, first load", visitor.first_load(path) / 1_000, "kB")
        times = [visitor.open(path).seconds * 1_000 for _ in range(requests)]
        note_latencies(run, name, times)
        run.note(f"{name}, p95", percentile(times, 0.95), "ms")
    visitor.close()


def note_viewers(run: Run, without: Sent, beside: Sent, polls: list[Seen]) -> None:
    """Note what the viewers have cost, and what they have seen."""
    run.note("viewers' share of a core", max(beside.cores - without.cores, 0) * 100, "%")
    run.note("rate, followed / alone", beside.rate / without.rate, "")
    run.note("a poll, largest", max(poll.bytes for poll in polls) / 1_000, "kB")
    run.note("a poll, mean", sum(poll.bytes for poll in polls) / len(polls) / 1_000, "kB")
    run.note("polls", len(polls), "")
    times = [poll.seconds * 1_000 for poll in polls]
    note_latencies(run, "a poll", times)
    run.note("a poll, p95", percentile(times, 0.95), "ms")


def reads(system: System, sizes: Sizes, key: ApiKey) -> float:
    """Return the reads of a campaign's progress that viewers cause, a second and process.

    The server logs its statements meanwhile, of which a campaign that is paused has few others.
    """
    paused = system.draft(LIST)
    system.change(paused, "start")
    system.follow(1, paused)
    system.change(paused, "pause")
    system.wait_for_state(paused, ("paused",))
    with viewing(system.url, key.token, f"/campaigns/{paused}", sizes.viewers):
        begin_log(system.cursor)
        time.sleep(COUNTED_SECONDS)
        system.cursor.execute("SET GLOBAL general_log = OFF")
    system.cursor.execute(COUNT, (MARK,))
    ((found,),) = system.cursor.fetchall()
    system.change(paused, "cancel")
    return float(found) / COUNTED_SECONDS / API_PROCESSES


def begin_log(cursor: pymysql.cursors.Cursor) -> None:
    """Let the server write its statements to a table, which is empty."""
    cursor.execute("SET GLOBAL log_output = 'TABLE'")
    cursor.execute("TRUNCATE mysql.general_log")
    cursor.execute("SET GLOBAL general_log = ON")
