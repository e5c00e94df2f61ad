"""Metrics of running services, compared with what they did.

At /metrics it is all that docs/reference/metrics.md names, and a Prometheus that scrapes them
meanwhile finds something for every panel of the dashboard. The trace of a campaign leads from its
request to the ledger.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from campaign_common.domain.message import Status
from local_stack.ports import free_port
from tests.e2e.callbacks.gateways import CONFIGURATION, Sent, inbound_kannel, kannel
from tests.support.dashboard import unanswered
from tests.support.scraping import Described, Scrape, answers
from tests.support.servers.otlp_receiver import OtlpReceiver, ReceivedSpan
from tests.support.servers.prometheus import PrometheusServer, running_prometheus
from tests.support.services.system import SHARDS, System
from tests.support.waiting import wait_until

CAMPAIGN = 1000000000
RECIPIENTS = 3_000
PHONES = "1396146"
"""Beginning of everybody's number."""

TRACE, CLIENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
"""The trace that the client of the campaign began, and its span."""

PROGRAMS = ("api", "scheduler", "sender")
TABLE = (Path(__file__).parents[2] / "docs" / "reference" / "metrics.md").read_text()


@contextmanager
def scraped_services(system: System) -> Iterator[Mapping[str, int]]:
    """Run each service on a metrics port of its own; yields the ports."""
    ports = {name: free_port() for name in PROGRAMS}
    with ExitStack() as stack:
        for name, port in ports.items():
            system.configure(MetricsPort=port)
            stack.enter_context(system.run(f"campaign-{name}"))
            wait_until(lambda port=port: answers(port))
        yield ports


def documented() -> dict[str, set[Described]]:
    """The table of docs/reference/metrics.md by service."""
    by_service: dict[str, set[Described]] = {name: set() for name in PROGRAMS}
    for name, kind, labels, services in re.findall(
        r"^\| `(\w+)` \| (\w+) \|([^|]*)\| ([\w, ]+) \|", TABLE, re.MULTILINE
    ):
        metric = Described(name, kind, frozenset(re.findall(r"`(\w+)`", labels)))
        for service in PROGRAMS if services == "all" else services.split(", "):
            by_service[service].add(metric)
    return by_service


def is_scraped_after_all(prometheus: PrometheusServer) -> bool:
    """A rate needs two scrapes, of what is told of for the first time by the last request too."""
    scrapes = prometheus.now("min(count_over_time(campaign_callbacks_total[1m]))")
    return scrapes != [] and scrapes[0] >= 3


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpReceiver]:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
    with OtlpReceiver().running() as receiver:
        yield receiver


def test_everything_told_is_documented_and_matches_the_ledger(
    system: System, prometheus_program: Sequence[str], receiver: OtlpReceiver, tmp_path: Path
) -> None:
    system.configure(
        Simulated={
            "Seed": 7,
            "FailureRates": {"retryable": 0.2, "permanent": 0.1},
            "Latency": {"Distribution": "constant", "Mean": "20ms"},
        },
        Retry={"BackoffBase": "200ms"},
        Mysql={"DSN": system.dsn, "Active": 24},
        Tracing={"Endpoint": receiver.endpoint},
        Callbacks=CONFIGURATION["Callbacks"],
        Providers=CONFIGURATION["Providers"],
    )
    people = [f"user{n},{PHONES}{n:04}\n" for n in range(RECIPIENTS)]
    system.write_csv("".join([*people, people[0], "nobody,12\n"]))
    with (
        scraped_services(system) as ports,
        running_prometheus(prometheus_program, tmp_path / "prometheus", ports) as prometheus,
    ):
        began_at = time.time()
        wait_until(lambda: prometheus.now("up") == [1.0] * len(ports))
        wait_until(lambda: Scrape.of(ports["sender"]).sum("campaign_shards_owned") == SHARDS)
        system.create(CAMPAIGN, "recipients.csv", traceparent=f"00-{TRACE}-{CLIENT}-01")
        system.wait_until_finished(CAMPAIGN)
        report(system)
        # What is looked at now and then has been looked at after the end.
        wait_until(lambda: has_caught_up(Scrape.of(ports["sender"])))
        finished = {"state": "finished"}
        wait_until(lambda: Scrape.of(ports["scheduler"]).value("campaign_campaigns", finished) == 1)
        scrapes = {name: Scrape.of(port) for name, port in ports.items()}
        asked_at = time.time()
        wait_until(lambda: is_scraped_after_all(prometheus))
        # A rate has a value from the second scrape of its counter on.
        until = time.time() + 30
        while (left := unanswered(prometheus, began_at, time.time())) and time.time() < until:
            time.sleep(0.5)
        assert left == []
    assert {name: scrape.described() for name, scrape in scrapes.items()} == documented()

    statuses = list(system.statuses(CAMPAIGN).values())
    sent, failed = statuses.count(Status.SENT), statuses.count(Status.FAILED)
    retried = sum(
        n
        for (n,) in (
            system.rows(f"SELECT COUNT(*) FROM messages_{shard} WHERE attempts = 2")[0]
            for shard in range(SHARDS)
        )
    )
    assert sent + failed == RECIPIENTS
    assert retried
    sender, scheduler, api = (scrapes[name] for name in ("sender", "scheduler", "api"))
    check_sender(sender, sent=sent, failed=failed, retried=retried)
    assert scheduler.value("campaign_recipients_published_total") == RECIPIENTS
    assert scheduler.value("campaign_retries_published_total", {"reason": "due"}) == retried
    assert scheduler.value("campaign_lease_changes_total", {"change": "acquired"}) == 1
    assert scheduler.value("campaign_retries_waiting") == 0
    assert scheduler.value("campaign_longest_stall_seconds") == 0
    ticks = scheduler.label_values("task")
    assert {"fan-out", "start-campaigns", "collect-gauges"} <= ticks
    for task in ticks:
        last = scheduler.value("campaign_task_last_success_timestamp_seconds", {"task": task})
        assert asked_at - 30 < last <= asked_at
    check_api(api)
    check_logs(system.logs())
    # The services have ended, and handed over what they had.
    check_trace(receiver.spans(TRACE), sent=sent, failed=failed, retried=retried)
    assert PHONES not in str(receiver.spans())
    for scrape in scrapes.values():
        assert scrape.sum("campaign_database_connection_timeouts_total") == 0
    assert scheduler.sum("campaign_database_connections_limit") == 24
    assert api.sum("campaign_database_connections_limit") == 2 * 24


def report(system: System) -> None:
    """Report a message of a person twice, one of another provider, and a word unknown to all."""
    for _ in "12":
        assert inbound_kannel().send(system.url).status_code == 200
    for status in ("1", "99"):
        assert kannel(Sent(CAMPAIGN, 1), status).send(system.url).status_code == 200


def has_caught_up(sender: Scrape) -> bool:
    partitions = sender.label_values("partition")
    return len(partitions) == SHARDS and sender.sum("campaign_partition_lag") == 0


def check_logs(logs: str) -> None:
    """A line for each change of the campaign, in its trace, and none for a message."""
    lines = [json.loads(line) for line in logs.splitlines() if line]
    assert len(lines) < RECIPIENTS / 10
    assert PHONES not in logs
    changes = {
        (line["service"], line["event"]): line["trace_id"]
        for line in lines
        if line.get("campaign") == CAMPAIGN and line["event"] != "request"
    }
    assert changes == dict.fromkeys(
        [
            ("api", "campaign imported"),
            ("scheduler", "campaign started"),
            ("scheduler", "campaign fanned out"),
            ("scheduler", "campaign finished"),
        ],
        TRACE,
    )
    taken = [line for line in lines if line["event"] == "partition taken over"]
    assert {line["partition"] for line in taken} == set(range(SHARDS))


def check_trace(spans: list[ReceivedSpan], *, sent: int, failed: int, retried: int) -> None:
    """It leads from the client through each service, batch by batch, and accounts for everybody."""

    def named(name: str, service: str, below: set[str]) -> list[ReceivedSpan]:
        found = [span for span in spans if span.name == name]
        assert {(span.service, span.parent_id in below) for span in found} == {(service, True)}
        return found

    def total(found: list[ReceivedSpan], attribute: str) -> float:
        return sum(float(span.attributes.get(attribute, 0)) for span in found)

    (request,) = named("POST /v1/camp/create", "campaign-api", {CLIENT})
    assert request.attributes["http.response.status_code"] == 200
    chunks = named("publish chunk", "campaign-scheduler", {request.span_id})
    assert total(chunks, "campaign.recipients") == RECIPIENTS
    retries = named("publish retries", "campaign-scheduler", {request.span_id})
    assert total(retries, "campaign.retries") == retried
    published = {span.span_id for span in chunks + retries}
    batches = named("send batch", "campaign-sender", published)
    assert {span.parent_id for span in batches} >= {span.span_id for span in chunks}
    assert total(batches, "messaging.batch.message_count") == RECIPIENTS + retried
    assert (total(batches, "campaign.sent"), total(batches, "campaign.failed")) == (sent, failed)
    assert len(spans) == 1 + len(chunks + retries + batches) < RECIPIENTS / 10
    for span in batches:
        assert min(chunk.began for chunk in chunks) < span.began < span.ended


def check_sender(sender: Scrape, *, sent: int, failed: int, retried: int) -> None:
    def recorded(outcome: str) -> float:
        labels = {"provider": "simulated", "outcome": outcome}
        return sender.value("campaign_messages_recorded_total", labels)

    def answered(answer: str) -> float:
        labels = {"provider": "simulated", "status": answer}
        return sender.value("campaign_send_results_total", labels)

    assert [
        sender.value("campaign_database_server_up", {"server": server})
        for server in sender.label_values("server")
    ] == [1]
    assert (recorded("sent"), recorded("failed")) == (sent, failed)
    assert sender.sum("campaign_messages_recorded_total") == RECIPIENTS
    assert (answered("accepted"), answered("permanent")) == (sent, failed)
    assert answered("retryable") == retried
    calls = RECIPIENTS + retried
    simulated = {"provider": "simulated"}
    assert sender.value("campaign_provider_request_duration_seconds_count", simulated) == calls
    assert (
        abs(
            sender.value("campaign_provider_request_duration_seconds_sum", simulated) - calls * 0.02
        )
        < 0.01
    )
    quick = {**simulated, "le": "0.01"}
    assert sender.value("campaign_provider_request_duration_seconds_bucket", quick) == 0
    assert (
        sender.value(
            "campaign_provider_request_duration_seconds_bucket", {**simulated, "le": "0.025"}
        )
        == calls
    )
    assert sender.value("campaign_ledger_transaction_messages_sum") == calls
    assert sender.value("campaign_messages_in_flight") == 0
    assert sender.value("campaign_shards_taken_over_total") == SHARDS
    assert sender.value("campaign_circuit_breaker_state", {**simulated, "state": "closed"}) == 1


def check_api(api: Scrape) -> None:
    def rows(result: str) -> float:
        return api.value("campaign_import_rows_total", {"result": result})

    created = {"method": "POST", "route": "/v1/camp/create"}
    requests_total = "campaign_http_requests_total"
    assert api.value(requests_total, {**created, "status": "2xx"}) == 1
    assert api.value("campaign_http_request_duration_seconds_count", created) == 1
    assert (rows("accepted"), rows("duplicate"), rows("rejected")) == (RECIPIENTS, 1, 1)
    assert api.value("campaign_import_duration_seconds_count") == 1
    assert api.value("campaign_imports_running") == 0
    assert str(CAMPAIGN) not in "".join(api.label_values("route"))
