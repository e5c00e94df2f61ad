"""Receipts are stored by their rank and counted with their rows, whatever order they come in."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState
from campaign_common.domain.shard import Shard
from campaign_common.store.receipts.receipt_writer import WrittenReceipts
from tests.integration.common.receipts.scene import NAMED, ReceiptScene, receipt

SENT, WAITING, ABSENT, FAILED, ELSEWHERE = 1, 2, 3, 4, 5
DELIVERED, UNDELIVERED, ACCEPTED = (
    ReceiptRank.DELIVERED,
    ReceiptRank.UNDELIVERED,
    ReceiptRank.ACCEPTED,
)
OPEN, CLOSED = ReceiptState.OPEN, ReceiptState.SENT

ranks = st.sampled_from([rank for rank in ReceiptRank if rank])
own = st.builds(receipt, st.integers(1, 5), ranks, st.integers(0, 2), st.just(NAMED))
others = st.builds(receipt, st.sampled_from([SENT, FAILED]), ranks, st.just(0), st.just("beta"))
reports = st.lists(st.one_of(own, others), min_size=1, max_size=12)


@pytest.fixture
def recorded(receipts: ReceiptScene) -> ReceiptScene:
    """Messages of each kind, on both servers; `ELSEWHERE` went to another provider of a route."""
    receipts.record(SENT, Status.SENT)
    receipts.record(WAITING, Status.WAITING, 1)
    receipts.record(FAILED, Status.FAILED)
    receipts.record(ELSEWHERE, Status.SENT, provider="beta")
    return receipts


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(reports=reports, data=st.data())
def test_any_order_and_batching_gives_the_same(
    recorded: ReceiptScene, reports: list[MessageReceipt], data: st.DataObject
) -> None:
    """Permuted, with repetitions, cut into batches: the same rows and the same counters."""
    recorded.forget_receipts()
    recorded.write(reports)
    rows, counted = recorded.rows(), recorded.counted()
    assert counted == recorded.recounted()
    assert recorded.listed_as_open() == recorded.open()

    recorded.forget_receipts()
    repeated = data.draw(st.lists(st.sampled_from(reports), max_size=6))
    left = data.draw(st.permutations(reports + repeated))
    while left:
        size = data.draw(st.integers(1, len(left)))
        recorded.write(left[:size])
        left = left[size:]
    assert (recorded.rows(), recorded.counted()) == (rows, counted)
    assert recorded.listed_as_open() == recorded.open()


def test_receipts_go_beside_what_is_recorded(recorded: ReceiptScene) -> None:
    """Those of sent messages are closed at once; others are open, the early ones among them."""
    seqs = (SENT, WAITING, ABSENT, FAILED)
    generations = {WAITING: 1}
    assert recorded.write([receipt(n, DELIVERED, generations.get(n, 0)) for n in seqs]) == 4
    assert recorded.states() == {
        SENT: (0, DELIVERED, CLOSED),
        WAITING: (1, DELIVERED, OPEN),
        ABSENT: (0, DELIVERED, OPEN),
        FAILED: (0, DELIVERED, OPEN),
    }
    assert recorded.listed_as_open() == [WAITING, ABSENT, FAILED]


def test_the_code_is_that_of_the_highest_rank(recorded: ReceiptScene) -> None:
    for rank in (UNDELIVERED, ACCEPTED, UNDELIVERED):
        recorded.write([receipt(SENT, rank)._replace(code="second")])
    recorded.write([receipt(SENT, UNDELIVERED)])
    ((_, _, rank, _, _, code, _),) = recorded.rows()
    assert (rank, code) == (UNDELIVERED, "second")


def test_an_early_receipt_is_closed_by_the_next_one(recorded: ReceiptScene) -> None:
    """Even by one that says nothing new."""
    recorded.write([receipt(ABSENT, DELIVERED)])
    recorded.record(ABSENT, Status.SENT)
    assert recorded.write([receipt(ABSENT, ACCEPTED)]) == 1
    assert recorded.states() == {ABSENT: (0, DELIVERED, CLOSED)}
    assert (recorded.listed_as_open(), recorded.counted()) == ([], recorded.recounted())


def test_an_early_receipt_of_another_provider_goes(recorded: ReceiptScene) -> None:
    """It was stored while nothing said which provider would send the message."""
    recorded.write([receipt(ABSENT, DELIVERED, provider="beta")])
    recorded.record(ABSENT, Status.SENT)
    recorded.write([receipt(ABSENT, ACCEPTED)])
    assert recorded.states() == {ABSENT: (0, ACCEPTED, CLOSED)}
    assert recorded.counted() == recorded.recounted()


def test_what_matches_no_message_is_counted(recorded: ReceiptScene) -> None:
    gone = receipt(SENT, DELIVERED)._replace(campaign_id=CampaignId(8))
    no_shard = receipt(SENT, DELIVERED)._replace(shard=Shard(99))
    written = recorded.writer.write(
        [
            gone,
            no_shard,
            receipt(SENT, DELIVERED, provider="beta"),
            receipt(ELSEWHERE, DELIVERED),
            receipt(WAITING, DELIVERED),
        ]
    )
    unmatched = {"no_campaign": 2, "other_provider": 2, "older_generation": 1}
    assert written == WrittenReceipts(0, 0, unmatched)
    assert (recorded.rows(), recorded.counted()) == ([], {})


def test_the_provider_of_a_route_is_the_ledgers(recorded: ReceiptScene) -> None:
    assert recorded.write([receipt(ELSEWHERE, ACCEPTED, provider="beta")]) == 1
    written = recorded.writer.write([receipt(ELSEWHERE, DELIVERED)])
    assert written.unmatched == {"other_provider": 1}
    assert recorded.states() == {ELSEWHERE: (0, ACCEPTED, CLOSED)}


def test_nothing_is_written_for_nothing(recorded: ReceiptScene) -> None:
    assert recorded.writer.write([]) == WrittenReceipts()
