"""The floor of the queue: a campaign's records, only produced and consumed."""

import multiprocessing
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from secrets import token_hex
from typing import Any

import psutil
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from benchmarks.recipients import FIRST_PHONE
from benchmarks.sampling import Family
from benchmarks.site import BROKER, Site
from benchmarks.system import SHARDS
from campaign_common.domain.campaign import CampaignEpoch, CampaignId
from campaign_common.domain.message_record import WIRE_VERSION, MessageRecord, encode
from campaign_common.domain.shard import shard_of
from campaign_common.kafka import clients
from campaign_common.settings import Settings, load_settings

CAMPAIGN = CampaignId(1_000_000_000_000)
FETCH = 4_000
CHUNK = 10_000
PATIENCE = 60.0

Chunk = dict[int, list[dict[str, Any]]]
"""Records by partition."""


@dataclass(frozen=True)
class QueueFloor:
    """The result of producing and consuming."""

    rate: float
    """Records a second, from the first one produced to the last one consumed."""
    processor: dict[str, float]
    """Processor microseconds a record, of producer, consumer and a broker of the benchmark."""


def measure_queue(site: Site, rows: int) -> QueueFloor:
    """Produce and consume so many records, with the client properties of the services."""
    topic = f"benchmark-{token_hex(4)}"
    admin = AdminClient({"bootstrap.servers": site.addresses.brokers})
    admin.create_topics([NewTopic(topic, SHARDS)])[topic].result(timeout=30)
    here, there = multiprocessing.Pipe()
    consuming = multiprocessing.get_context("spawn").Process(
        target=consume, args=(site.configuration(), topic, rows, there), daemon=True
    )
    consuming.start()
    try:
        chunks = records(rows)
        _expect(here)
        families = {"producer": psutil.Process().pid, "consumer": consuming.pid or 0}
        if BROKER in site.servers:
            families[BROKER] = site.servers[BROKER]
        return _through(load_settings(site.configuration(), {}), topic, chunks, here, families)
    finally:
        consuming.terminate()
        consuming.join()
        admin.delete_topics([topic])[topic].exception(timeout=30)


def _through(
    settings: Settings,
    topic: str,
    chunks: list[Chunk],
    consumer: Connection,
    processes: Mapping[str, int],
) -> QueueFloor:
    rows = sum(len(group) for chunk in chunks for group in chunk.values())
    producer = clients.producer(settings)
    producer.meet(topic, 10)
    families = {name: Family(pid) for name, pid in processes.items()}
    before = {name: family.processor_seconds() for name, family in families.items()}
    began = time.monotonic()
    for chunk in chunks:
        for partition, group in chunk.items():
            while producer.produce_batch(topic, group, partition=partition) < len(group):
                group[:] = [message for message in group if message.pop("_error", None)]
                producer.poll(0.01)
    if producer.flush(PATIENCE):
        raise RuntimeError(f"records not delivered after {PATIENCE:.0f} s")
    seconds = _expect(consumer) - began
    used = {
        name: (family.processor_seconds() - before[name]) / rows * 1e6
        for name, family in families.items()
    }
    return QueueFloor(rows / seconds, used)


def records(rows: int) -> list[Chunk]:
    """Make the records of a campaign as the fan-out publishes them, in its chunks."""
    chunks = []
    for start in range(0, rows, CHUNK):
        chunk: dict[int, list[dict[str, Any]]] = {}
        for seq in range(start, min(start + CHUNK, rows)):
            phone = str(FIRST_PHONE + seq)
            shard = shard_of(phone, SHARDS)
            body = f"hi user{seq}, this is a test message."
            record = MessageRecord(
                WIRE_VERSION, CAMPAIGN, seq, shard, CampaignEpoch(1), 1, phone, body
            )
            chunk.setdefault(shard, []).append({"value": encode(record), "key": phone})
        chunks.append(chunk)
    return chunks


def consume(configuration: Path, topic: str, rows: int, report: Connection) -> None:
    """Read so many records; report when it is ready, and the time at which the last was read."""
    settings = load_settings(configuration, {})
    consumer: Consumer = clients.consumer(settings, "consumer", "benchmark")
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(SHARDS)])
    consumer.consume(1, timeout=1.0)
    report.send(time.monotonic())
    seen = 0
    while seen < rows:
        for message in consumer.consume(FETCH, timeout=0.5):
            if message.error() is None:
                seen += 1
    report.send(time.monotonic())
    report.poll(None)  # its processor time is read from outside, and then it is ended


def _expect(connection: Connection) -> float:
    if not connection.poll(PATIENCE):
        raise RuntimeError(f"the consumer said nothing for {PATIENCE:.0f} s")
    moment: float = connection.recv()
    return moment
