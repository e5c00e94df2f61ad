"""Real sender processes, and receipts that come for what they have sent (protocol rule 14)."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from campaign_common.database import Databases
from campaign_common.domain.campaign import CampaignId, Delivery
from campaign_common.domain.claim import decode_claim
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.shard import Shard, shard_of
from campaign_common.store.receipts.receipt_writer import ReceiptWriter
from campaign_common.store.shards.claims import read_claims
from campaign_scheduler.availability import ServerAvailability
from campaign_scheduler.jobs.close_receipts import CLOSE_INTERVAL, ReceiptCloser
from tests.integration.sender.world import CAMPAIGN, SHARDS, World
from tests.support.services.processes import kill
from tests.support.waiting import wait_until

RECIPIENTS = 3_000
SLOW = {"Latency": {"Distribution": "uniform", "Mean": "200ms", "Spread": "150ms"}}
HELD = {"InFlight": 500, "BatchSize": 250}
DOUBTFUL = {"Latency": {}, "FailureRates": {"ambiguous": 0.15}}
BEFORE = 2.0
"""Seconds before a repetition within which a receipt prevents it."""


def report(world: World, seqs: Iterable[int]) -> None:
    receipts = [
        MessageReceipt(
            CampaignId(CAMPAIGN),
            seq,
            0,
            Shard(shard_of(str(13900000000 + seq), SHARDS)),
            "simulated",
            ReceiptRank.DELIVERED,
        )
        for seq in seqs
    ]
    assert ReceiptWriter(Databases((world.database,))).write(receipts).stored == len(receipts)


@contextmanager
def looks(world: World) -> Iterator[None]:
    """Look at open receipts as the job of a scheduler does."""
    databases = Databases((world.database,))
    closer = ReceiptCloser(databases, ServerAvailability(databases))
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(CLOSE_INTERVAL):
            closer.look()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def lost_claims(world: World) -> list[int]:
    with world.database.reading() as cursor:
        rows = read_claims(cursor).values()
    return sorted(message.seq for row in rows for message in decode_claim(row.claimed))


def receipts_by_state(world: World) -> dict[int, int]:
    tables = " UNION ALL ".join(f"SELECT state FROM receipts_{n}" for n in range(SHARDS))
    return dict(world.rows(f"SELECT state, COUNT(*) FROM ({tables}) r GROUP BY state"))  # type: ignore[arg-type]


def test_a_killed_sender_leaves_unknown_only_what_has_no_receipt(world: World) -> None:
    """Some receipts are there at the takeover, others come later, and some never."""
    world.configure(Simulated=SLOW, Sender=HELD)
    world.add_campaign(RECIPIENTS, Delivery.AT_MOST_ONCE)
    world.publish(range(1, RECIPIENTS + 1))
    with world.sender() as first:
        wait_until(lambda: sum(world.counts().values()) > RECIPIENTS // 4 and world.claimed() > 0)
        kill(first)
    claimed = lost_claims(world)
    early, late, never = claimed[::3], claimed[1::3], claimed[2::3]
    assert min(len(early), len(late), len(never)) > 0
    report(world, early)
    world.configure(Simulated={})
    with world.sender(), looks(world):
        wait_until(lambda: sum(world.counts().values()) == RECIPIENTS)
        assert world.counts()[Status.UNKNOWN] == len(late) + len(never)
        report(world, late)
        wait_until(lambda: world.counts()[Status.UNKNOWN] == len(never))
        wait_until(lambda: receipts_by_state(world) == {1: len(early) + len(late)})
    assert world.counts() == world.ledger()


def test_a_receipt_prevents_the_repetition_of_a_doubt(world: World) -> None:
    """Those that are stored 2 s before; the others are sent a second time."""
    seqs = range(1, 301)
    world.configure(Simulated=DOUBTFUL, Sender=HELD)
    world.add_campaign(len(seqs))
    world.publish(seqs)
    with world.sender(), looks(world):
        wait_until(lambda: sum(world.counts().values()) == len(seqs))
        doubted = sorted(tries(world, "in_doubt"))
        assert len(doubted) > 10
        reported = doubted[::2]
        report(world, reported)
        time.sleep(BEFORE)
    world.configure(Simulated={})
    with world.sender(), looks(world):
        world.publish(doubted, try_number=2)
        wait_until(lambda: world.counts() == {Status.SENT: len(seqs)})
    recorded = tries(world)
    assert {seq: recorded[seq] for seq in doubted} == {
        seq: 1 if seq in reported else 2 for seq in doubted
    }
    assert world.counts() == world.ledger()


def tries(world: World, condition: str = "TRUE") -> dict[int, int]:
    """The try that is recorded of each message."""
    tables = " UNION ALL ".join(
        f"SELECT seq, try_number FROM messages_{n} WHERE {condition}" for n in range(SHARDS)
    )
    return dict(world.rows(tables))  # type: ignore[arg-type]
