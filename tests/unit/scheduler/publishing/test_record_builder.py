"""Records of recipients, with and without a message that can be delivered."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_common.domain.content.campaign_content import (
    CampaignContent,
    CompiledContent,
    TemplateContent,
    TextContent,
)
from campaign_common.domain.message_record import (
    LARGEST_RECORD,
    MessageRecord,
    MessageTemplate,
    decode,
)
from campaign_common.domain.shard import shard_of
from campaign_common.store.campaigns.fanout import RecipientRow
from campaign_common.store.core.contents import stored_content
from campaign_scheduler.publishing import record_builder as records
from campaign_scheduler.publishing.publisher import OutgoingRecord, RecordsByPartition
from campaign_scheduler.publishing.record_builder import (
    RecordBuilder,
    RecordChunk,
    TryNumbers,
    seqs_of,
)
from tests.unit.scheduler.campaigns import PARTITIONS, SHARDS, a_lease, a_map

ROWS: list[RecipientRow] = [
    (1, "13961467500", "Ann", None),
    (3, "13961467501", "Bob", '{"city": "Ulm"}'),
    (4, "13961467502", "", None),
]


ORDER = CampaignContent(TemplateContent("order_1", "de", ("{name|you}", "{city|here}")))
CONTENTS = [
    *(
        CampaignContent(TextContent(template))
        for template in ["hi", "{name}", "{name|you} ({phone}) of {city|here}", "{city}{zip}"]
    ),
    CampaignContent(TextContent("hi {name}"), "Shop"),
    ORDER,
    ORDER._replace(originator="4930123456"),
]


def builder(wanted: str | CampaignContent = "hi {name}", **changes: object) -> RecordBuilder:
    content = CampaignContent(TextContent(wanted)) if isinstance(wanted, str) else wanted
    template, column = stored_content(content)
    lease = a_lease(template=template, stored_content=column, **changes)
    return RecordBuilder(lease, CompiledContent(content.content), a_map())


def messages_of(chunk: RecordChunk) -> list[OutgoingRecord]:
    """The records of all partitions, in the order of their recipients."""
    messages = [message for group in chunk.groups.values() for message in group]
    return sorted(messages, key=lambda message: decode(message["value"]).seq)


def records_of(chunk: RecordChunk) -> list[MessageRecord]:
    return [decode(message["value"]) for message in messages_of(chunk)]


def test_every_recipient_gets_a_record_of_its_own() -> None:
    chunk = builder("hi {name|there} from {city|here}").build_chunk(ROWS, set(), set())
    assert [(record.seq, record.body) for record in records_of(chunk)] == [
        (1, "hi Ann from here"),
        (3, "hi Bob from Ulm"),
        (4, "hi there from here"),
    ]
    assert (chunk.recipients, chunk.last_seq) == (3, 4)


def test_a_record_has_campaign_epoch_map_version_and_try() -> None:
    """A record says which campaign epoch map and try it belongs to."""
    record = records_of(builder().build_chunk(ROWS[:1], set(), set()))[0]
    assert (record.campaign_id, record.campaign_epoch, record.map_version) == (7, 3, 2)
    assert (record.generation, record.try_number, record.attempts) == (0, 1, 0)


@pytest.mark.parametrize(
    ("content", "version"),
    [(content, 1 if n < 4 else 2) for n, content in enumerate(CONTENTS)],
)
def test_only_what_an_older_sender_sends_rightly_is_of_version_1(
    content: CampaignContent, version: int
) -> None:
    found = records_of(builder(content).build_chunk(ROWS, set(), set()))
    assert {record.wire_version for record in found} == {version}


def test_a_record_carries_the_parts_and_the_originator() -> None:
    content = ORDER._replace(originator="Shop")
    ann, bob, _ = records_of(builder(content).build_chunk(ROWS, set(), set()))
    assert (ann.body, ann.template) == ("", MessageTemplate("order_1", "de", ("Ann", "here")))
    assert (bob.template, bob.originator) == (
        MessageTemplate("order_1", "de", ("Bob", "Ulm")),
        "Shop",
    )


@pytest.mark.parametrize("content", [ORDER, CampaignContent(TextContent("hi {name}"), "Shop")])
def test_what_is_not_sent_is_recorded_by_senders_of_any_version(content: CampaignContent) -> None:
    refused = records_of(builder(content).build_chunk(ROWS[:1], set(), {1}))[0]
    (whole,) = records_of(builder(content).build_chunk(ROWS[:1], set(), set()))
    for record in (refused, records.without_body(whole)):
        assert record.undeliverable == records.TOO_LARGE
        assert (record.wire_version, record.template, record.originator) == (1, None, None)


def test_key_and_partition_follow_from_the_phone() -> None:
    chunk = builder().build_chunk(ROWS, set(), set())
    assert sum(chunk.counts.values()) == len(ROWS)
    for partition, group in chunk.groups.items():
        for message in group:
            record = decode(message["value"])
            assert message["key"] == record.phone
            assert record.shard == shard_of(record.phone, SHARDS)
            assert partition == record.shard % PARTITIONS


def test_recipients_with_an_outcome_are_not_published() -> None:
    """Recipients with a ledger row are counted and not published."""
    chunk = builder().build_chunk(ROWS, {3}, set())
    assert [record.seq for record in records_of(chunk)] == [1, 4]
    assert (chunk.recipients, chunk.last_seq) == (3, 4)


def test_a_message_that_is_too_large_travels_as_one_that_says_so() -> None:
    rows: list[RecipientRow] = [(1, "13961467500", "x" * LARGEST_RECORD, None)]
    record = records_of(builder().build_chunk(rows, set(), set()))[0]
    assert (record.undeliverable, record.body) == (records.TOO_LARGE, "")


def test_a_record_refused_for_its_size_goes_without_its_body() -> None:
    """A record that the broker refused for its size is published without its body."""
    chunk = builder().build_chunk(ROWS, set(), {3})
    by_seq = {record.seq: record.undeliverable for record in records_of(chunk)}
    assert by_seq == {1: None, 3: records.TOO_LARGE, 4: None}
    assert seqs_of(message["value"] for message in messages_of(chunk)) == {1, 3, 4}


def test_unreadable_attributes_make_an_undeliverable_record() -> None:
    """Attributes that cannot be read make an undeliverable record."""
    rows: list[RecipientRow] = [(1, "13961467500", "Ann", "[1]")]
    record = records_of(builder("{city}").build_chunk(rows, set(), set()))[0]
    assert record.undeliverable == records.NOT_RENDERED


def test_a_chunk_of_long_messages_ends_where_it_is_large_enough() -> None:
    long_name = "x" * (LARGEST_RECORD // 2)
    rows: list[RecipientRow] = [(n, f"1396146{n:04d}", long_name, None) for n in range(1, 1_001)]
    chunk = builder().build_chunk(rows, set(), set())
    messages = messages_of(chunk)
    assert chunk.recipients == chunk.last_seq == len(messages) < 1_000
    size = sum(len(message["value"]) for message in messages)
    assert size <= records.MAX_CHUNK_BYTES + LARGEST_RECORD


def test_a_retry_of_a_vanished_recipient_is_undeliverable() -> None:
    """A retry says so and a vanished recipient is undeliverable."""
    _, message = builder().build(ROWS[0], TryNumbers(1, 4, 3))
    retry = decode(message["value"])
    assert (retry.generation, retry.try_number, retry.attempts) == (1, 4, 3)
    partition, orphan = builder().build_for_missing_recipient(
        9, 6, TryNumbers(0, 2, 1), records.RECIPIENT_GONE
    )
    assert partition == 6 % PARTITIONS
    assert decode(orphan["value"]).undeliverable == records.RECIPIENT_GONE


@given(
    content=st.sampled_from(CONTENTS),
    people=st.lists(
        st.tuples(
            st.from_regex(r"[0-9]{7,15}", fullmatch=True),
            st.text(max_size=20),
            st.sampled_from([None, "{}", '{"city": "Köln"}', '{"city": "", "zip": "1"}', "[1]"]),
        ),
        max_size=20,
    ),
    too_long=st.sets(st.integers(0, 19), max_size=2),
    republications=st.sampled_from([0, records.MAX_REPUBLICATIONS]),
)
def test_a_chunk_holds_what_each_message_is_by_itself(
    content: CampaignContent,
    people: list[tuple[str, str, str | None]],
    too_long: set[int],
    republications: int,
) -> None:
    one = builder(content, republications=republications)
    rows: list[RecipientRow] = [
        (seq, phone, name * LARGEST_RECORD if seq in too_long else name, attributes)
        for seq, (phone, name, attributes) in enumerate(people)
    ]
    expected: RecordsByPartition = defaultdict(list)
    for row in rows:
        why = records.LOST_AGAIN if republications else None
        partition, message = one.build(row, records.FIRST_TRY, why)
        expected[partition].append(message)
    assert one.build_chunk(rows, set(), set()).groups == expected
