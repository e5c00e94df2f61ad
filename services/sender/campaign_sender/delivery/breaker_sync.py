"""Synchronization of circuit breakers between senders, through the database."""

import structlog
from pymysql.err import Error as DriverError

from campaign_common.database import Database
from campaign_common.errors import RetryLater
from campaign_common.store.messages.provider_account_breakers import (
    end_account_breaker,
    note_accepted_account,
    read_account_breakers,
)
from campaign_common.store.messages.provider_breakers import open_breaker, read_open_breakers
from campaign_sender.delivery.dispatcher import Dispatcher

INTERVAL = 0.3
"""Seconds between two syncs, in a thread of their own: guard refreshes do not wait for them."""

log = structlog.get_logger()


class BreakerSync:
    """Exchange of open breakers: those of this sender are written, those of others opened here."""

    def __init__(self, database: Database, dispatcher: Dispatcher, owner_name: str) -> None:
        self._database = database
        self._dispatcher = dispatcher
        self._owner_name = owner_name

    def sync(self) -> None:
        """Sync once; on a database failure, keep the local state."""
        try:
            for provider, breaker in self._dispatcher.take_opened_breakers():
                with self._database.transaction() as cursor:
                    open_breaker(cursor, provider, breaker, self._owner_name)
            for provider, account in self._dispatcher.take_accounts_ended():
                with self._database.transaction() as cursor:
                    end_account_breaker(cursor, provider, account)
            with self._database.reading() as cursor:
                elsewhere = read_open_breakers(cursor)
                accounts = read_account_breakers(cursor)
            self._dispatcher.follow_breakers(elsewhere, accounts)
            for provider, account in self._dispatcher.take_accounts_accepted(accounts):
                with self._database.transaction() as cursor:
                    note_accepted_account(cursor, provider, account, self._owner_name)
        except (RetryLater, DriverError) as error:
            log.debug("circuit breakers not synced", error=str(error))
