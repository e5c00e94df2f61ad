"""Hard bounces suppress people, once, whatever the order of the reports."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest

from campaign_common.database import Cursor, Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.recipient import ListId
from campaign_common.domain.shard import shard_of
from campaign_common.domain.suppressions.hard_bounces import HardBounces
from campaign_common.store.receipts.receipt_writer import ReceiptWriter
from campaign_common.store.recipients.erasures import erase_recipient, order_erasure
from campaign_common.store.suppressions.bounced_people import SuppressedBefore, suppressed_before
from campaign_common.store.suppressions.stops import lift_stops, note_stops, put_stops
from campaign_common.store.suppressions.suppressions import (
    Suppression,
    put_suppression,
    remove_suppression,
)
from campaign_scheduler.availability import ServerAvailability
from campaign_scheduler.jobs import suppress_bounces
from campaign_scheduler.jobs.suppress_bounces import BounceSuppressor
from campaign_scheduler.metrics import BOUNCES_SUPPRESSED
from tests.integration.common.receipts.conftest import receipt_databases
from tests.integration.common.receipts.scene import SHARDS

__all__ = ["receipt_databases"]

BOUNCES = HardBounces(3, {"alpha": frozenset({"30005"}), "beta": frozenset({"1"})})
ON_MAIN, ELSEWHERE = (
    next(phone for phone in map(str, range(491700000001, 491700001000)) if found(phone))
    for found in (
        lambda phone: shard_of(phone, SHARDS) == 0,
        lambda phone: shard_of(phone, SHARDS) == 2,
    )
)
PEOPLE = {1: ON_MAIN, 2: ELSEWHERE}
"""Phones by seq; shards of the second are on another server."""

CAMPAIGNS = range(1, 7)
"""Of an hour each, to the same list."""

TABLES = (
    "campaigns",
    "recipient_lists",
    "recipients",
    "suppressions",
    "suppression_changes",
    "bounced_receipts",
    "receipt_counters",
    "open_receipts",
)

INSERT_LIST = """
INSERT INTO recipient_lists (id, name, state, created_at, progressed_at)
VALUES (1, 'everybody', 'ready', NOW(6), NOW(6))
"""

INSERT_CAMPAIGN = """
INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state, shards, last_seq,
                       created_at, started_at)
VALUES (%s, '', '', 1, 'at_least_once', 'alpha', 'running', %s, 2, NOW(6),
        NOW(6) - INTERVAL 10 HOUR + INTERVAL %s HOUR)
"""

INSERT_MESSAGE = """
INSERT INTO messages_{shard} (campaign_id, seq, status, generation, try_number, attempts, provider,
                              sent_at)
VALUES (%s, %s, %s, 0, 1, 1, %s, NOW(6) - INTERVAL 10 HOUR + INTERVAL %s HOUR)
"""


class People:
    """Two people, and campaigns that both of them are in."""

    def __init__(self, databases: Databases, bounces: HardBounces | None = BOUNCES) -> None:
        self.databases = databases
        self.bounces = bounces
        self.longest = 60.0
        for database in databases.all:
            with database.transaction() as cursor:
                for table in TABLES:
                    cursor.execute(f"DELETE FROM {table}")
        for shard in range(SHARDS):
            with databases.of_shard(shard).transaction() as cursor:
                cursor.execute(f"DELETE FROM messages_{shard}")
                cursor.execute(f"DELETE FROM receipts_{shard}")
        with databases.main.transaction() as cursor:
            cursor.execute(INSERT_LIST)
            for seq, phone in PEOPLE.items():
                cursor.execute(
                    "INSERT INTO recipients VALUES (1, %s, %s, '', NULL, NULL, NULL)", (seq, phone)
                )
            for campaign in CAMPAIGNS:
                cursor.execute(INSERT_CAMPAIGN, (campaign, SHARDS, campaign))

    def send(
        self,
        seq: int,
        *campaigns: int,
        provider: str | None = None,
        status: Status = Status.SENT,
    ) -> None:
        shard = shard_of(PEOPLE[seq], SHARDS)
        with self.databases.of_shard(shard).transaction() as cursor:
            for campaign in campaigns:
                cursor.execute(
                    INSERT_MESSAGE.format(shard=shard),
                    (campaign, seq, status, provider, campaign),
                )

    def report(self, *reports: MessageReceipt) -> None:
        ReceiptWriter(self.databases, self.bounces).write(reports)

    def look(self) -> None:
        self.make_due()
        self.job().look()

    def make_due(self) -> None:
        for database in self.databases.all:
            with database.transaction() as cursor:
                cursor.execute("UPDATE bounced_receipts SET look_at = NOW(6) - INTERVAL 1 SECOND")

    def job(self) -> BounceSuppressor:
        return BounceSuppressor(
            self.databases,
            ServerAvailability(self.databases),
            self.bounces,
            shards=SHARDS,
            longest=self.longest,
        )

    def suppressed(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT phone, scope, reason, source FROM suppressions ORDER BY phone")

    def changes(self) -> list[tuple[Any, ...]]:
        return self.rows(
            "SELECT phone, scope, is_added, actor FROM suppression_changes ORDER BY id"
        )

    def listed(self) -> int:
        found = 0
        for database in self.databases.all:
            with database.reading() as cursor:
                cursor.execute("SELECT COUNT(*) FROM bounced_receipts")
                found += cursor.fetchall()[0][0]
        return found

    def change_before_the_write(
        self, monkeypatch: pytest.MonkeyPatch, *changes: Callable[[Cursor], object]
    ) -> None:
        """Have changes committed right after a look has read what there was of suppressions."""

        def read(cursor: Cursor, phone: str, scope: str) -> SuppressedBefore:
            found = suppressed_before(cursor, phone, scope)
            for change in changes:
                self.databases.main.run(change)
            return found

        monkeypatch.setattr(suppress_bounces, "suppressed_before", read)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.databases.main.reading() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())


def bounced(
    seq: int,
    campaign: int,
    code: str | None = "30005",
    rank: ReceiptRank = ReceiptRank.UNDELIVERED,
    provider: str = "alpha",
) -> MessageReceipt:
    shard = shard_of(PEOPLE[seq], SHARDS)
    return MessageReceipt(CampaignId(campaign), seq, 0, shard, provider, rank, code)


def noted() -> float:
    """Return how many suppressions were counted so far."""
    return BOUNCES_SUPPRESSED._value.get()


def delivered(seq: int, campaign: int) -> MessageReceipt:
    return bounced(seq, campaign, None, ReceiptRank.DELIVERED)


@pytest.fixture
def people(receipt_databases: Databases) -> People:
    return People(receipt_databases)


@pytest.mark.parametrize("seq", PEOPLE)
@pytest.mark.parametrize("seed", range(3))
def test_enough_of_them_suppress_the_person_once(people: People, seq: int, seed: int) -> None:
    """Reports come twice and in any order, in several requests, with looks in between."""
    people.send(seq, 1, 2, 3)
    reports = [bounced(seq, campaign) for campaign in (1, 2, 3) for _ in range(2)]
    random = Random(seed)  # noqa: S311 - any order will do
    random.shuffle(reports)
    for report in reports:
        people.report(report)
        if random.random() < 0.5:
            people.look()
    people.look()
    phone = PEOPLE[seq]
    assert people.suppressed() == [(phone, "provider:alpha", "bounce_30005", "bounce")]
    assert people.changes() == [(phone, "provider:alpha", 1, "scheduler")]
    assert people.listed() == 0


def test_fewer_of_them_do_not(people: People) -> None:
    people.send(1, 1, 2, 3)
    people.report(bounced(1, 1), bounced(1, 2), bounced(1, 2), bounced(1, 3, "30003"))
    people.look()
    assert (people.suppressed(), people.listed()) == ([], 0)


def test_a_message_that_was_delivered_in_between_begins_anew(people: People) -> None:
    people.send(1, 1, 2, 3, 4)
    people.report(bounced(1, 1), bounced(1, 2), delivered(1, 3), bounced(1, 4))
    people.look()
    assert people.suppressed() == []


def test_a_receipt_that_is_there_before_its_message_waits_for_it(people: People) -> None:
    people.send(2, 1, 2)
    people.report(bounced(2, 1), bounced(2, 2), bounced(2, 3))
    people.look()
    assert (people.suppressed(), people.listed()) == ([], 1)
    people.send(2, 3)
    people.look()
    assert people.suppressed() == [(ELSEWHERE, "provider:alpha", "bounce_30005", "bounce")]


def test_a_suppression_that_was_removed_needs_as_many_again(people: People) -> None:
    people.send(1, 1, 2, 3)
    people.report(*(bounced(1, campaign) for campaign in (1, 2, 3)))
    people.look()
    with people.databases.main.transaction() as cursor:
        remove_suppression(cursor, ON_MAIN, "provider:alpha", "admin")
        cursor.execute("UPDATE suppression_changes SET changed_at = NOW(6) - INTERVAL 390 MINUTE")
    people.send(1, 4, 5)
    people.report(bounced(1, 4), bounced(1, 5))
    people.look()
    assert people.suppressed() == []
    people.send(1, 6)
    people.report(bounced(1, 6))
    people.look()
    assert len(people.suppressed()) == 1


def test_it_is_over_after_its_time_and_may_come_again(people: People) -> None:
    people.bounces = BOUNCES._replace(after=1, lasts=3_600.0, of_each=False)
    people.send(1, 1)
    people.report(bounced(1, 1))
    people.look()
    until = "SELECT scope, TIMESTAMPDIFF(MINUTE, NOW(6), until) FROM suppressions"
    assert people.rows(until) == [("*", 59)]
    with people.databases.main.transaction() as cursor:
        cursor.execute("UPDATE suppressions SET until = NOW(6) - INTERVAL 510 MINUTE")
    people.report(bounced(1, 1, rank=ReceiptRank.UNDELIVERED))
    people.send(1, 2)
    people.report(bounced(1, 2))
    people.look()
    assert people.rows(until) == [("*", 59)]


def test_who_is_suppressed_already_is_left_as_is(people: People) -> None:
    with people.databases.main.transaction() as cursor:
        cursor.execute(
            "INSERT INTO suppressions VALUES (%s, '*', 'letter', 'api', NOW(6), NULL, NULL)",
            (ON_MAIN,),
        )
    people.send(1, 1, 2, 3)
    people.report(*(bounced(1, campaign) for campaign in (1, 2, 3)))
    people.look()
    assert people.suppressed() == [(ON_MAIN, "*", "letter", "api")]
    assert (people.changes(), people.listed()) == ([], 0)


def test_a_wish_that_comes_meanwhile_stays(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client's, for everything and without end, which the bounce would end after an hour."""
    people.bounces = BOUNCES._replace(after=1, lasts=3_600.0, of_each=False)
    wish = Suppression(ON_MAIN, "*", "letter", "api", note="by letter")
    people.change_before_the_write(
        monkeypatch, lambda cursor: put_suppression(cursor, wish, "admin")
    )
    people.send(1, 1)
    people.report(bounced(1, 1))
    counted = noted()
    people.look()
    assert people.rows("SELECT reason, source, until, note FROM suppressions") == [
        ("letter", "api", None, "by letter")
    ]
    assert people.changes() == [(ON_MAIN, "*", 1, "admin")]
    assert (people.listed(), noted()) == (0, counted)


def test_a_stop_that_comes_meanwhile_can_be_lifted(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.bounces = BOUNCES._replace(after=1, lasts=3_600.0, of_each=False)
    people.change_before_the_write(
        monkeypatch, lambda cursor: note_stops(cursor, put_stops(cursor, {(ON_MAIN, "*"): 1}))
    )
    people.send(1, 1)
    people.report(bounced(1, 1))
    people.look()
    assert people.suppressed() == [(ON_MAIN, "*", "stop", "inbound")]
    with people.databases.main.transaction() as cursor:
        assert lift_stops(cursor, ON_MAIN, ["*"]).scopes == ["*"]


def test_a_person_erased_meanwhile_is_not_suppressed(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    def erase(cursor: Cursor) -> None:
        erase_recipient(cursor, order_erasure(cursor, ON_MAIN, "admin"), ListId(1), SHARDS)

    people.bounces = BOUNCES._replace(after=1)
    people.change_before_the_write(monkeypatch, erase)
    people.send(1, 1)
    people.report(bounced(1, 1))
    people.look()
    assert (people.suppressed(), people.changes(), people.listed()) == ([], [], 0)


def test_a_change_that_took_too_long_is_noted_again(people: People) -> None:
    """Senders may have missed it; the suppression is what it was."""
    people.longest = 0.0
    people.bounces = BOUNCES._replace(after=1)
    people.send(1, 1)
    people.report(bounced(1, 1))
    counted = noted()
    people.look()
    assert people.suppressed() == [(ON_MAIN, "provider:alpha", "bounce_30005", "bounce")]
    assert people.changes() == [(ON_MAIN, "provider:alpha", 1, "scheduler")] * 2
    assert noted() == counted + 1


def test_an_unknown_message_is_looked_at_seldom(people: People) -> None:
    people.bounces = BOUNCES._replace(after=1)
    people.send(1, 1, status=Status.UNKNOWN)
    people.report(bounced(1, 1))
    people.look()
    until = "SELECT TIMESTAMPDIFF(SECOND, NOW(6), look_at) FROM bounced_receipts"
    ((seconds,),) = people.rows(until)
    assert 540 < seconds <= 600
    with people.databases.main.transaction() as cursor:
        cursor.execute("UPDATE messages_0 SET status = %s", (Status.SENT,))
    people.look()
    assert people.suppressed() == [(ON_MAIN, "provider:alpha", "bounce_30005", "bounce")]


@pytest.mark.parametrize(("hours", "listed"), [(23, 1), (25, 0)])
def test_what_stays_unknown_is_looked_at_for_a_day(people: People, hours: int, listed: int) -> None:
    people.bounces = BOUNCES._replace(after=1)
    people.send(1, 1, status=Status.UNKNOWN)
    people.report(bounced(1, 1))
    with people.databases.main.transaction() as cursor:
        cursor.execute("UPDATE messages_0 SET sent_at = NOW(6) - INTERVAL %s HOUR", (hours,))
    people.look()
    assert (people.listed(), people.suppressed()) == (listed, [])


def test_schedulers_at_once_suppress_each_person_once(people: People) -> None:
    for seq in PEOPLE:
        people.send(seq, 1, 2, 3)
        people.report(*(bounced(seq, campaign) for campaign in (1, 2, 3)))
    people.make_due()
    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(people.job().look) for _ in range(3)]:
            done.result(timeout=60)
    people.look()
    assert sorted(phone for phone, *_ in people.suppressed()) == sorted(PEOPLE.values())
    assert people.listed() == 0


def test_a_person_who_is_gone_is_not_suppressed(people: People) -> None:
    people.send(1, 1, 2, 3)
    people.report(*(bounced(1, campaign) for campaign in (1, 2, 3)))
    with people.databases.main.transaction() as cursor:
        cursor.execute("DELETE FROM recipients")
    people.look()
    assert (people.suppressed(), people.listed()) == ([], 0)


def test_nothing_is_listed_where_they_do_not_matter(people: People) -> None:
    people.bounces = None
    people.send(1, 1, 2, 3)
    people.report(*(bounced(1, campaign) for campaign in (1, 2, 3)))
    assert people.listed() == 0
