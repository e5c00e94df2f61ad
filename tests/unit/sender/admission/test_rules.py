import pytest

from campaign_common.domain.campaign import CampaignState, Delivery
from campaign_common.domain.message import LARGEST_TRY, LedgerEntry, MessageKey, Status
from campaign_providers.contract import UNREADY_PAUSE, SendStatus
from campaign_sender.admission.rules import (
    admit_live,
    drop_stale,
    hold_unready,
    ledger_query,
    split_duplicates,
    split_possibly_sent,
)
from tests.unit.sender.messages import CAMPAIGN, EPOCH, message, partition_map, version


def test_a_record_of_a_running_campaign_is_kept() -> None:
    filtered = drop_stale([message()], {CAMPAIGN: version()}, partition_map())
    assert [m.key.seq for m in filtered.kept] == [1]


@pytest.mark.parametrize(
    "state", [state for state in CampaignState if state is not CampaignState.RUNNING]
)
def test_records_of_a_campaign_that_does_not_run_are_stale(state: CampaignState) -> None:
    assert drop_stale([message()], {CAMPAIGN: version(state)}, partition_map()).kept == []


def test_a_record_published_before_a_resume_is_stale() -> None:
    record = message(campaign_epoch=EPOCH - 1)
    assert drop_stale([record], {CAMPAIGN: version()}, partition_map()).dropped == [record]


def test_a_record_of_an_unknown_campaign_is_stale() -> None:
    assert drop_stale([message()], {}, partition_map()).kept == []


def test_a_record_of_an_older_map_is_stale() -> None:
    later = partition_map(version=2)
    assert drop_stale([message()], {CAMPAIGN: version()}, later).kept == []


def test_a_record_in_another_shards_partition_is_stale() -> None:
    astray = message(shard=3, partition=2)
    assert drop_stale([astray], {CAMPAIGN: version()}, partition_map()).kept == []


def test_each_record_of_a_batch_is_checked() -> None:
    batch = [message(1), message(2, map_version=2), message(3), message(4, partition=1)]
    filtered = drop_stale(batch, {CAMPAIGN: version()}, partition_map())
    assert [m.record.seq for m in filtered.kept] == [1, 3]
    assert [m.record.seq for m in filtered.dropped] == [2, 4]


def test_the_second_copy_in_one_batch_waits() -> None:
    first, second = message(offset=10), message(offset=11)
    copies = split_duplicates([first, second], held=set())
    assert (copies.first, copies.duplicates) == ([first], [second])


def test_a_copy_of_a_held_message_waits() -> None:
    copy = message(offset=12)
    assert split_duplicates([copy], held={copy.key}).duplicates == [copy]


def test_the_ledger_is_asked_by_shard_and_campaign() -> None:
    asked = ledger_query([message(5), message(9), message(6, shard=2, partition=2)])
    assert asked == {(0, CAMPAIGN): [5, 9], (2, CAMPAIGN): [6]}


def entry(status: Status, *, generation: int = 0, try_number: int = 1) -> LedgerEntry:
    return LedgerEntry(status, generation, try_number, attempts=1)


@pytest.mark.parametrize(
    ("recorded", "generation", "try_number", "live"),
    [
        (None, 0, 1, True),
        (None, 0, 2, False),
        (entry(Status.SENT), 0, 1, False),
        (entry(Status.FAILED), 0, 2, False),
        (entry(Status.UNKNOWN), 0, 2, False),
        (entry(Status.WAITING), 0, 1, False),
        (entry(Status.WAITING), 0, 2, True),
        (entry(Status.WAITING), 0, 3, False),
        (entry(Status.WAITING, try_number=2), 0, 2, False),
        (entry(Status.WAITING, try_number=2), 0, 3, True),
        (entry(Status.WAITING, try_number=LARGEST_TRY - 1), 0, LARGEST_TRY, True),
        (entry(Status.WAITING, try_number=LARGEST_TRY), 0, LARGEST_TRY, True),
        (entry(Status.SENT, try_number=LARGEST_TRY), 0, LARGEST_TRY, False),
        (entry(Status.WAITING, try_number=LARGEST_TRY), 0, LARGEST_TRY - 1, False),
        (entry(Status.WAITING, generation=1, try_number=2), 0, 3, False),
        (entry(Status.WAITING, generation=1, try_number=2), 1, 3, True),
    ],
)
def test_only_the_try_that_the_ledger_waits_for_is_live(
    recorded: LedgerEntry | None, generation: int, try_number: int, live: bool
) -> None:
    record = message(generation=generation, try_number=try_number)
    entries = {} if recorded is None else {MessageKey(CAMPAIGN, 1): recorded}
    admission = admit_live([record], entries)
    assert admission.to_send == ([record] if live else [])
    assert admission.dropped == ([] if live else [record])
    assert record.replaces is (live and recorded is not None)


def test_an_undeliverable_message_ends_without_a_send() -> None:
    admission = admit_live([message(undeliverable="too_large")], {})
    assert admission.to_send == []
    assert [(r.status, r.error_code) for r in admission.decided] == [
        (SendStatus.UNDELIVERABLE, "too_large")
    ]


def test_possibly_sent_messages_end_or_become_suspects() -> None:
    doubtful = [message(1), message(2, try_number=2)]
    entries = {MessageKey(CAMPAIGN, 2): LedgerEntry(Status.WAITING, 0, 1, 1)}
    once = version(delivery=Delivery.AT_MOST_ONCE)
    unknown, possibly_sent = split_possibly_sent(doubtful, {CAMPAIGN: once}, entries)
    assert [(r.message.key.seq, r.status) for r in unknown] == [
        (1, SendStatus.AMBIGUOUS),
        (2, SendStatus.AMBIGUOUS),
    ]
    assert [(m.replaces, m.in_doubt) for m in doubtful] == [(False, True), (True, True)]
    assert possibly_sent == []
    assert split_possibly_sent(doubtful, {CAMPAIGN: version()}, entries) == ([], doubtful)


def test_a_stale_message_may_have_been_sent() -> None:
    paused = version(CampaignState.PAUSED, epoch=EPOCH + 1, delivery=Delivery.AT_MOST_ONCE)
    assert len(split_possibly_sent([message()], {CAMPAIGN: paused}, {}).unknown) == 1


def test_recorded_and_undeliverable_messages_are_not_in_doubt() -> None:
    once = {CAMPAIGN: version(delivery=Delivery.AT_MOST_ONCE)}
    recorded = {MessageKey(CAMPAIGN, 1): LedgerEntry(Status.SENT, 0, 1, 1)}
    assert split_possibly_sent([message()], once, recorded) == ([], [])
    assert split_possibly_sent([message(undeliverable="too large")], once, {}) == ([], [])
    assert split_possibly_sent([message()], {}, {}) == ([], [])


def test_what_no_provider_takes_is_held_without_a_claim() -> None:
    messages = [message(1), message(2)]
    ready = hold_unready(messages, lambda _: None)
    assert (ready.to_send, ready.decided) == (messages, [])
    held = hold_unready(messages, lambda name: f"{name}_missing")
    assert held.to_send == []
    assert [(r.message, r.status, r.error_code, r.retry_after) for r in held.decided] == [
        (one, SendStatus.UNCONFIGURED, "simulated_missing", UNREADY_PAUSE) for one in messages
    ]
