"""Single messages that get no grants: another sender takes them."""

from decimal import Decimal

import pytest

from campaign_common.database import Database
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.dsn import parse_dsn
from campaign_common.runtime.boot_time import boot_time
from campaign_common.settings import MysqlSettings
from campaign_sender.limiting.database_clock import DatabaseClock
from campaign_sender.limiting.provider_limiter import ProviderLimiter
from campaign_sender.single.single_sends import SingleSends as Sending
from tests.integration.sender.test_single_sends import (
    ANSWER,
    UNLIMITED,
    Phone,
    taken_of_day,
    want,
)
from tests.support.servers.schemas import make_current
from tests.support.waiting import wait_until


@pytest.fixture
def pool(database: str) -> Database:
    pool = Database(MysqlSettings(dsn=parse_dsn(database)))
    make_current(pool, 2)
    return pool


def limiter(pool: Database, limits: ProviderLimits) -> ProviderLimiter:
    """Return a limiter without a thread, which gets no grants."""
    return ProviderLimiter(pool, "phone", "a" * 16, limits, DatabaseClock(boot_time))


@pytest.mark.parametrize("database_server", ["mariadb"], indirect=True)
def test_what_has_no_grants_is_left_to_another_sender(pool: Database) -> None:
    """A sender takes 2 s of its rate, and gives it back after 5 s, with the units of the day."""
    limits = ProviderLimits(Decimal(1), per_day=5)
    phone, other, now = Phone(), Phone(), [100.0]
    waiting = Sending(
        pool,
        {"phone": phone.make},
        {"phone": limits},
        clock=lambda: now[0],
        limiters={"phone": limiter(pool, limits)},
    )
    for _ in range(3):
        want(pool, purpose=ANSWER)
    waiting.step()
    waiting.step()
    assert taken_of_day(pool) == 2
    sending = Sending(pool, {"phone": other.make}, UNLIMITED)
    sending.step()
    assert len(other.submitted) == 1
    now[0] += 5.1
    waiting.step()
    sending.step()
    assert (len(other.submitted), phone.submitted, taken_of_day(pool)) == (3, [], 0)


@pytest.mark.parametrize("database_server", ["mariadb"], indirect=True)
def test_a_sender_that_stops_leaves_what_has_no_grants(pool: Database) -> None:
    limits = ProviderLimits(Decimal(1))
    stopped = Sending(
        pool,
        {"phone": Phone().make},
        {"phone": limits},
        limiters={"phone": limiter(pool, limits)},
    )
    want(pool, purpose=ANSWER)
    stopped.start()
    wait_until(lambda: len(stopped.grant_queues[0]) == 1)
    stopped.stop()
    other = Phone()
    Sending(pool, {"phone": other.make}, UNLIMITED).step()
    assert len(other.submitted) == 1
