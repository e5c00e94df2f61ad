"""Group commits: what is written together, who is told what, and what waits for what."""

import threading
from collections.abc import Callable, Sequence

import gevent
import pytest

from campaign_api.serving.callbacks import receipt_batches
from campaign_api.serving.callbacks.commit_batches import BatchBounds, CommitLate
from campaign_api.serving.callbacks.receipt_batches import ReceiptBatches
from campaign_common.database.by_server import ByServer
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.shard import Shard
from campaign_common.errors import DatabaseUnavailable

Receipts = Sequence[MessageReceipt]

TWO_SERVERS = ByServer(("main", "other"), {1: 1})
"""Shard 1 is on the other one."""


def receipt(seq: int, shard: int = 0) -> MessageReceipt:
    return MessageReceipt(CampaignId(1), seq, 0, Shard(shard), "gateway", ReceiptRank.DELIVERED)


class Written:
    """Notes what is written, and fails or waits where it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.failure: Callable[[Receipts], Exception | None] = lambda _: None
        self.may_commit = threading.Event()
        self.may_commit.set()
        self.held_shard = 0
        self.threads: set[str] = set()

    def write(self, receipts: Receipts) -> None:
        self.threads.add(threading.current_thread().name)
        if receipts[0].shard == self.held_shard:
            assert self.may_commit.wait(10)
        error = self.failure(receipts)
        if error is not None:
            raise error
        self.batches.append([each.seq for each in receipts])


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def batches(written: Written) -> ReceiptBatches:
    return ReceiptBatches(TWO_SERVERS, written.write)


def storing(batches: ReceiptBatches, *receipts: MessageReceipt) -> "gevent.Greenlet":
    return gevent.spawn(batches.store, list(receipts))


def outcome(greenlet: "gevent.Greenlet") -> Exception | None:
    greenlet.join(10)
    assert greenlet.ready()
    return greenlet.exception


def test_concurrent_requests_share_a_transaction(batches: ReceiptBatches, written: Written) -> None:
    requests = [storing(batches, receipt(seq)) for seq in range(20)]
    assert [outcome(each) for each in requests] == [None] * 20
    assert written.batches == [list(range(20))]
    assert threading.current_thread().name not in written.threads


def test_nobody_is_told_before_the_commit(batches: ReceiptBatches, written: Written) -> None:
    written.may_commit.clear()
    request = storing(batches, receipt(1))
    gevent.sleep(0.1)
    assert not request.ready()
    written.may_commit.set()
    assert outcome(request) is None
    assert written.batches == [[1]]


def test_what_comes_during_a_commit_is_the_next_batch(
    batches: ReceiptBatches, written: Written
) -> None:
    written.may_commit.clear()
    first = storing(batches, receipt(1))
    gevent.sleep(0.1)
    others = [storing(batches, receipt(seq)) for seq in (2, 3)]
    gevent.sleep(0.1)
    written.may_commit.set()
    assert [outcome(each) for each in (first, *others)] == [None] * 3
    assert written.batches == [[1], [2, 3]]


def test_a_request_waits_for_each_of_its_servers(batches: ReceiptBatches, written: Written) -> None:
    written.may_commit.clear()
    written.held_shard = 1
    request = storing(batches, receipt(1, shard=0), receipt(2, shard=1))
    other = storing(batches, receipt(3, shard=0))
    assert outcome(other) is None, "a server that hangs keeps those of another one waiting"
    assert not request.ready()
    written.may_commit.set()
    assert outcome(request) is None
    assert sorted(written.batches) == [[1, 3], [2]]


def test_an_outage_is_told_to_all_of_a_batch(batches: ReceiptBatches, written: Written) -> None:
    written.failure = lambda _: DatabaseUnavailable("away")
    requests = [storing(batches, receipt(seq)) for seq in range(5)]
    assert {type(outcome(each)) for each in requests} == {DatabaseUnavailable}
    written.failure = lambda _: None
    assert outcome(storing(batches, receipt(9))) is None
    assert written.batches == [[9]]


def test_receipts_that_cannot_be_written_fail_alone(
    batches: ReceiptBatches, written: Written
) -> None:
    written.failure = lambda receipts: (
        ValueError("of receipt 2") if any(each.seq == 2 for each in receipts) else None
    )
    requests = [storing(batches, receipt(seq)) for seq in range(4)]
    failures = [type(outcome(each)) for each in requests]
    assert failures == [type(None), type(None), ValueError, type(None)]
    assert written.batches == [[0], [1], [3]]


def test_a_commit_that_takes_too_long_is_not_waited_for(
    batches: ReceiptBatches, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipt_batches, "PATIENCE", 0.05)
    written.may_commit.clear()
    request = storing(batches, receipt(1))
    assert isinstance(outcome(request), CommitLate)
    written.may_commit.set()


def test_receipts_that_wait_are_bounded(written: Written) -> None:
    batches = ReceiptBatches(TWO_SERVERS, written.write, bounds=BatchBounds(1_000, 3))
    written.may_commit.clear()
    one = storing(batches, receipt(1))
    two = storing(batches, receipt(2), receipt(3))
    gevent.sleep(0.1)
    assert isinstance(outcome(storing(batches, receipt(4))), CommitLate)
    written.may_commit.set()
    assert [outcome(one), outcome(two)] == [None, None]
    assert outcome(storing(batches, receipt(5))) is None


def test_large_batches_are_divided_between_requests(written: Written) -> None:
    batches = ReceiptBatches(TWO_SERVERS, written.write, bounds=BatchBounds(3, 1_000))
    requests = [storing(batches, receipt(2 * n), receipt(2 * n + 1)) for n in range(3)]
    assert [outcome(each) for each in requests] == [None] * 3
    assert written.batches == [[0, 1, 2, 3], [4, 5]]
