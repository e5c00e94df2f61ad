import pytest

from campaign_common.domain.claim import ClaimedMessage
from campaign_common.domain.message import LARGEST_GENERATION, LedgerEntry, MessageKey, Status
from campaign_common.store.messages.ledger import LedgerRow
from campaign_common.store.messages.possibly_sent import LateFact
from campaign_sender.recording.command_handlers import (
    rows_of_late_results,
    rows_of_requeued,
    rows_of_unsent,
)
from tests.unit.sender.messages import CAMPAIGN

KEY = MessageKey(CAMPAIGN, 5)
UNKNOWN = {KEY: LedgerEntry(Status.UNKNOWN, 1, 2, 3, in_doubt=1)}


def fact(status: Status, *, generation: int = 1, try_number: int = 2) -> LateFact:
    message = ClaimedMessage(CAMPAIGN, 5, generation, try_number)
    return LateFact(message, status, "theirs", None)


def test_a_late_fact_of_the_same_try_settles_what_is_unknown() -> None:
    (row,) = rows_of_late_results([fact(Status.SENT)], UNKNOWN)
    assert row == LedgerRow(
        campaign_id=CAMPAIGN,
        seq=5,
        status=Status.SENT,
        generation=1,
        try_number=2,
        attempts=3,
        provider_message_id="theirs",
        replaces=True,
    )


def test_a_fact_about_another_try_or_generation_settles_nothing() -> None:
    assert rows_of_late_results([fact(Status.SENT, try_number=1)], UNKNOWN) == []
    assert rows_of_late_results([fact(Status.SENT, generation=0)], UNKNOWN) == []


def test_what_is_not_final_is_no_fact_to_settle_by() -> None:
    assert rows_of_late_results([fact(Status.WAITING), fact(Status.UNKNOWN)], UNKNOWN) == []


def test_an_accepted_try_counts_despite_later_results() -> None:
    """The acceptance of a try counts, whatever else is learnt of it."""
    for facts in ([Status.SENT, Status.FAILED], [Status.FAILED, Status.SENT]):
        assert [row.status for row in rows_of_late_results(map(fact, facts), UNKNOWN)] == [
            Status.SENT
        ]


def test_a_late_refusal_of_a_suspect_settles_nothing() -> None:
    """Its next owner sends it again, and either of the two may have been taken."""
    assert rows_of_late_results([fact(Status.FAILED)], UNKNOWN, {(5, 1)}) == []
    assert [r.status for r in rows_of_late_results([fact(Status.SENT)], UNKNOWN, {(5, 1)})] == [1]
    (row,) = rows_of_late_results([fact(Status.FAILED)], UNKNOWN, {(5, 0), (6, 1)})
    assert row.status is Status.FAILED


def test_an_outcome_that_is_known_stays() -> None:
    sent = {KEY: LedgerEntry(Status.FAILED, 1, 2, 3)}
    assert rows_of_late_results([fact(Status.SENT)], sent) == []
    assert rows_of_late_results([fact(Status.SENT)], {}) == []


@pytest.mark.parametrize(
    ("in_doubt", "waits_for", "suspect_at", "ended"),
    [
        (0, "spare", None, (Status.CANCELLED, None)),
        (1, "main", None, (Status.UNKNOWN, "main")),
        (0, None, "main", (Status.UNKNOWN, "main")),
    ],
    ids=["waits for another provider", "in doubt", "possibly sent"],
)
def test_a_cancelled_message_names_no_provider_it_never_reached(
    in_doubt: int, waits_for: str | None, suspect_at: str | None, ended: tuple[Status, str | None]
) -> None:
    entries = {KEY: LedgerEntry(Status.WAITING, 1, 2, 3, in_doubt, waits_for)}
    possibly_sent = {(5, 1): suspect_at} if suspect_at else {}
    (row,) = rows_of_unsent(entries, [], possibly_sent)
    assert (row.status, row.provider) == ended


@pytest.mark.parametrize(
    ("generation", "following"), [(0, [1]), (LARGEST_GENERATION, [])], ids=["the first", "the last"]
)
def test_a_generation_is_retried_while_the_ledger_has_room(
    generation: int, following: list[int]
) -> None:
    """A row that the ledger cannot hold would keep its shards from being recorded."""
    entries = {KEY: LedgerEntry(Status.FAILED, generation, 2, 3)}
    assert [row.generation for row in rows_of_requeued(entries)] == following
