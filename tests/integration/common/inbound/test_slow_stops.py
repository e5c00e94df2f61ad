"""A STOP whose transaction took longer than senders look back."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from campaign_common.database import Cursor, Database
from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.domain.inbound.keyword_policy import KeywordPolicy
from campaign_common.domain.suppressions.change_log_position import MARGIN
from campaign_common.dsn import parse_dsn
from campaign_common.errors import DatabaseTimeout
from campaign_common.settings import MysqlSettings
from campaign_common.store.inbound.inbound_writer import InboundWriter
from campaign_common.store.suppressions.suppressions import changes_of, remove_suppression
from tests.support.inbound import PERSON, inbound
from tests.support.servers.databases import DatabaseServers, fresh_schema
from tests.support.servers.schemas import make_current

T = TypeVar("T")

TOO_SLOW = 1.0
"""Seconds that a transaction may not take here."""


class SlowDatabase(Database):
    """A database whose first transactions take too long."""

    slow = 0

    def run(self, work: Callable[[Cursor], T], *, timeout: float | None = None) -> T:
        done = super().run(work, timeout=timeout)
        if self.slow:
            self.slow -= 1
            time.sleep(TOO_SLOW + 0.1)
        return done


@pytest.fixture
def pool(database_servers: DatabaseServers) -> Iterator[SlowDatabase]:
    """One flavour: the time is that of the process."""
    with fresh_schema(database_servers.get("mariadb").dsn) as dsn:
        pool = SlowDatabase(MysqlSettings(dsn=parse_dsn(dsn)))
        make_current(pool, 1)
        yield pool
        pool.close()


def test_a_slow_stop_is_noted_again_or_not_confirmed(pool: SlowDatabase) -> None:
    """Its message is stored, so that what the gateway repeats would have no effect."""
    writer = InboundWriter(pool, KeywordPolicy(), MARGIN / 2 + TOO_SLOW)
    pool.slow = 1
    writer.write([inbound(text="stop", keyword=KeywordKind.STOP)])
    pool.slow = 2
    with pytest.raises(DatabaseTimeout):
        writer.write([inbound("2", text="stop", keyword=KeywordKind.STOP)])
    with pool.reading() as cursor:
        assert len(changes_of(cursor, PERSON)) == 4


def test_a_repeated_stop_is_noted_again_while_in_force(pool: SlowDatabase) -> None:
    """The process may have ended before the second note; the gateway repeats what got no 200."""
    writer = InboundWriter(pool, KeywordPolicy(), MARGIN / 2 + TOO_SLOW)
    stop = inbound(text="stop", keyword=KeywordKind.STOP)
    writer.write([stop])
    assert writer.write([stop]) == []
    with pool.reading() as cursor:
        noted = [(one.is_added, one.reason) for one in changes_of(cursor, PERSON)]
    assert noted == [(True, "stop"), (True, "stop_again")]
    pool.slow = 1
    with pytest.raises(DatabaseTimeout):
        writer.write([stop])
    pool.run(lambda cursor: remove_suppression(cursor, PERSON, "*", "key"))
    writer.write([stop])
    with pool.reading() as cursor:
        assert not changes_of(cursor, PERSON)[-1].is_added
