"""Services of two versions side by side: what an older sender cannot read waits for a newer one."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from campaign_common.domain.message import Status
from campaign_common.domain.message_record import (
    CONTENT_VERSION,
    TEXT_VERSION,
    WIRE_VERSION,
    MessageRecord,
    MessageTemplate,
    encode,
)
from campaign_common.domain.shard import shard_of
from tests.integration.sender.world import CAMPAIGN, SHARDS, World
from tests.support.services.previous_version import NEIGHBOUR, PreviousVersion
from tests.support.services.processes import Process
from tests.support.waiting import wait_until

RECIPIENTS = 400
NEWER_FROM = 201
NEWER_SHARD = 3
WITH_MORE_FIELDS = range(150, 200)

SENDER = """
import sys
from campaign_common.domain import message_record
from campaign_sender import main, service
{change}
sys.argv[0] = "campaign-sender"
main.main()
"""
LATER_VERSION = WIRE_VERSION + 1
NEWER = f"message_record.WIRE_VERSION = {LATER_VERSION}"
"""A build that knows the next version of the record, and all before it."""
SHORT_TIMEOUT = "service.BLOCK_TIMEOUT = 0.5"
"""This build, with a block timeout of half a second."""


@contextmanager
def sender(world: World, change: str) -> Iterator[Process]:
    """Run a sender that differs from this build in one thing."""
    with (world.config.parent / "other-sender.log").open("ab") as log:
        command = [sys.executable, "-c", SENDER.format(change=change), "-c", world.config]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield process
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def phone_of(seq: int) -> str:
    return str(13900000000 + seq)


def publish(world: World, seqs: Iterable[int], newer_version: int) -> None:
    """Publish records as services of different versions do, each in the order of its seq."""
    current = world.partition_map
    for seq in seqs:
        shard = shard_of(phone_of(seq), SHARDS)
        is_newer = shard == NEWER_SHARD and NEWER_FROM <= seq <= RECIPIENTS
        record = MessageRecord(
            wire_version=newer_version if is_newer else TEXT_VERSION,
            campaign_id=CAMPAIGN,
            seq=seq,
            shard=shard,
            campaign_epoch=1,
            map_version=current.version,
            phone=phone_of(seq),
            body="" if is_newer else f"hi user{seq}",
            template=MessageTemplate("order_1", "de", (f"user{seq}",)) if is_newer else None,
            originator="Shop" if is_newer else None,
        )
        fields = json.loads(encode(record))
        if newer_version == LATER_VERSION and (is_newer or seq in WITH_MORE_FIELDS):
            fields["priority"] = {"of": "a later version"}
        value = json.dumps(fields).encode()
        world.publish_raw(value, phone_of(seq), current.partition(shard))
    world.flush()


def recorded(world: World) -> set[int]:
    tables = " UNION ALL ".join(f"SELECT seq FROM messages_{n}" for n in range(SHARDS))
    return {seq for (seq,) in world.rows(tables)}


def publish_everything(world: World, newer_version: int) -> tuple[set[int], set[int]]:
    """Publish a campaign; returns everybody, and those whose records only a newer build reads."""
    world.add_campaign(RECIPIENTS)
    everybody = set(range(1, RECIPIENTS + 1))
    publish(world, sorted(everybody), newer_version)
    newer = {
        n for n in everybody if n >= NEWER_FROM and shard_of(phone_of(n), SHARDS) == NEWER_SHARD
    }
    assert len(newer) > 10
    return everybody, newer


def test_an_older_sender_leaves_newer_records_to_a_newer_one(world: World, tmp_path: Path) -> None:
    """0.2.0 sends the texts of the other partitions meanwhile, and no record of other content."""
    everybody, left = publish_everything(world, CONTENT_VERSION)
    previous = PreviousVersion(tmp_path, NEIGHBOUR)
    with previous.running("campaign-sender", world.config) as older:
        wait_until(lambda: recorded(world) == everybody - left)
        with world.sender():
            wait_until(lambda: len(world.rows("SELECT DISTINCT owner_name FROM shard_claims")) == 2)
            older.terminate()
            assert older.wait(30) == 0
            wait_until(lambda: recorded(world) == everybody)
    assert world.ledger() == world.counts() == {Status.SENT: RECIPIENTS}
    assert world.suspects() == 0
    assert world.dead_letters("list", "--json") == []
    logs = "".join(log.read_text() for log in world.config.parent.glob("previous-*.log"))
    assert logs.count("record of a newer wire version, partition blocked") == 1


def test_newer_records_can_be_replayed_later(world: World) -> None:
    """Where no newer sender comes newer records can be replayed later."""
    everybody, left = publish_everything(world, LATER_VERSION)
    behind = next(n for n in count(RECIPIENTS + 1) if shard_of(phone_of(n), SHARDS) == NEWER_SHARD)
    publish(world, [behind], LATER_VERSION)
    with sender(world, SHORT_TIMEOUT):
        wait_until(lambda: recorded(world) == everybody - left | {behind})
    assert len(world.dead_letters("list", "--json")) == len(left)
    reasons = {letter["reason"] for letter in world.dead_letters("list", "--json")}
    assert reasons == {f"wire_version {LATER_VERSION} is newer than {WIRE_VERSION}"}
    with sender(world, NEWER):
        world.command("dlq", "replay")
        wait_until(lambda: everybody <= recorded(world))
    assert world.ledger() == {Status.SENT: RECIPIENTS + 1}
