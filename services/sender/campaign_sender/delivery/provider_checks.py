"""Provider checks: single sends that an operator asks for, to see request and answer.

They go over connections of their own: no claim, no retry, no grant of a second, no circuit breaker.
A check is taken by one sender only, so that one taken by a lost sender is not sent by another.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec
import structlog
from pymysql.err import Error as DriverError

from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.domain.receipts.reference_purpose import LARGEST_SEQ, ReferencePurpose
from campaign_common.errors import RetryLater
from campaign_common.runtime.backoff import Backoff
from campaign_common.runtime.boot_time import boot_time
from campaign_common.runtime.outage_log import OutageLog
from campaign_common.runtime.periodic_thread import FIRST_PAUSE, LONGEST_PAUSE
from campaign_common.store.limits.single_sends import (
    UnitsOfDay,
    return_single_send,
    take_single_send,
)
from campaign_common.store.messages.provider_checks import (
    CHECK_GRACE,
    CheckResult,
    TakenCheck,
    end_check,
    is_check_waiting,
    take_check,
)
from campaign_providers.check import (
    CHECK_WORDS,
    CheckImpossible,
    CheckMessage,
    Exchange,
    PreparedCheck,
    ProviderCheck,
    ShownRequest,
)
from campaign_providers.contract import SendStatus
from campaign_sender.metrics import PROVIDER_CHECKS

POLL_INTERVAL = 0.25
"""Seconds between two polls for new checks, or single messages."""

STOP_TIMEOUT = 3.0
"""Seconds for which a stopping sender waits for outcomes, or for checks under way."""

MOST_AT_A_TIME = 4
"""Checks under way; further ones are left to other senders."""

CHECK_SEND_WITHIN = 5.0
"""Seconds after which a check that was taken is not sent any more: this process stood still."""

DRY_RUN = "dry_run"
REFUSED = "refused"
FAILED = "failed"

OUTCOMES = (*CHECK_WORDS.values(), DRY_RUN, REFUSED, FAILED)

ACCEPTED_WORD = CHECK_WORDS[SendStatus.ACCEPTED]

log = structlog.get_logger()


class CheckReport(msgspec.Struct, frozen=True):
    """Result of a check that was made: masked, as it is stored and shown."""

    request: ShownRequest | None
    note: str | None
    exchange: Exchange | None
    """None: a dry run."""


class Accounts(Protocol):
    """Providers as this sender has them."""

    def problems(self) -> Mapping[str, str | None]:
        """Return what keeps from sending, by provider."""

    def note_accepted_check(self, provider: str, account: str | None) -> None:
        """Note that a check with the credentials of a digest was accepted."""


class ProviderChecks:
    """Checks of providers; a thread takes them, and each is made and recorded in one of its own."""

    def __init__(
        self,
        database: Database,
        checks: Mapping[str, ProviderCheck],
        limits: Mapping[str, ProviderLimits],
        accounts: Accounts,
        sender: str,
        clock: Callable[[], float] = boot_time,
    ) -> None:
        """Take the configured limits of each provider, and the name of this sender."""
        self._database = database
        self._checks = checks
        self._longest = {name: check.longest for name, check in checks.items()}
        self._limits = limits
        self._accounts = accounts
        self._sender = sender
        self._clock = clock
        self._under_way: list[threading.Thread] = []
        for name in checks:
            for outcome in OUTCOMES:  # they begin with 0, so that an increase of each is seen
                PROVIDER_CHECKS.labels(name, outcome)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="provider-checks", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more checks, and record those that end soon."""
        self._stop.set()
        self._thread.join()
        give_up_at = time.monotonic() + STOP_TIMEOUT
        for thread in self._under_way:
            thread.join(max(0.0, give_up_at - time.monotonic()))

    def step(self) -> None:
        """Take a check, if one waits, and begin it.

        Raises:
            RetryLater: the database is down, or it is unknown whether a check was taken, which is
                not made then.
        """
        self._under_way = [thread for thread in self._under_way if thread.is_alive()]
        if len(self._under_way) >= MOST_AT_A_TIME:
            return
        with self._database.reading() as cursor:
            if not is_check_waiting(cursor):
                return
        problems = self._accounts.problems()
        unready = [name for name in self._checks if problems.get(name) is not None]
        with self._database.transaction() as cursor:
            taken = take_check(cursor, self._longest, unready, self._sender)
        if taken is not None:
            # A daemon: a slow gateway does not keep the process from ending.
            thread = threading.Thread(
                target=self._make, args=(taken, self._clock()), name="provider-check", daemon=True
            )
            thread.start()
            self._under_way.append(thread)

    def _run(self) -> None:
        outages = OutageLog()
        backoff = Backoff(self._stop.wait, FIRST_PAUSE, LONGEST_PAUSE)
        while not self._stop.is_set():
            if outages.run("provider checks", self.step):
                backoff.succeeded()
            else:
                backoff.pause()
            self._stop.wait(POLL_INTERVAL)

    def _make(self, taken: TakenCheck, taken_at: float) -> None:
        word = REFUSED
        code = None
        try:
            report = self._report(taken, taken_at)
            result = CheckResult(report=msgspec.Raw(msgspec.json.encode(report)))
            reading = None if report.exchange is None else report.exchange.reading
            word = DRY_RUN if reading is None else reading.word
            code = None if reading is None else reading.error_code
        except CheckImpossible as error:
            result = CheckResult(str(error))
        except Exception as error:  # noqa: BLE001 - the text may have what must not be shown
            log.error("provider check failed", provider=taken.provider, error=type(error).__name__)
            problem = f"the check failed by a fault of this program, {type(error).__name__}"
            result = CheckResult(problem, is_unknown=not taken.dry_run)
            word = FAILED
        PROVIDER_CHECKS.labels(taken.provider, word).inc()
        log.info(
            "provider checked", provider=taken.provider, check=taken.id, outcome=word, code=code
        )
        self._end(taken, result)

    def _report(self, taken: TakenCheck, taken_at: float) -> CheckReport:
        """Make a check.

        Raises:
            CheckImpossible: nothing was sent.
        """
        prepared = self._checks[taken.provider].prepare(_message(taken))
        if taken.dry_run:
            return CheckReport(prepared.request, prepared.note, None)
        self._require_in_time(taken_at)
        units = self._take_of_day(taken)
        try:
            self._require_in_time(taken_at)
            exchange = self._sent(taken, prepared)
        except CheckImpossible:
            self._return_to_day(taken, units)
            raise
        return CheckReport(prepared.request, prepared.note, exchange)

    def _require_in_time(self, taken_at: float) -> None:
        if self._clock() > taken_at + CHECK_SEND_WITHIN:
            raise CheckImpossible(
                "the sender stood still after it had taken the check, and sent nothing; check again"
            )

    def _sent(self, taken: TakenCheck, prepared: PreparedCheck) -> Exchange:
        exchange = prepared.send()
        if exchange.reading.word == ACCEPTED_WORD:
            self._accounts.note_accepted_check(taken.provider, prepared.account)
        return exchange

    def _take_of_day(self, taken: TakenCheck) -> UnitsOfDay:
        try:
            with self._database.transaction() as cursor:
                units = take_single_send(
                    cursor, taken.provider, self._limits[taken.provider], taken.content.body
                )
        except RetryLater as error:
            raise CheckImpossible(
                "the database did not respond, so that nothing was sent; check again"
            ) from error
        used_up = units.used_up
        if used_up is not None:
            raise CheckImpossible(
                f"the day is used up: {used_up.per_day:,} {used_up.unit} in {used_up.zone}, a check"
                " included; raise the limit, or check with --dry-run"
            )
        return units

    def _return_to_day(self, taken: TakenCheck, units: UnitsOfDay) -> None:
        """Return what a check took that sent nothing; where the database refuses, that is lost."""
        try:
            with self._database.transaction() as cursor:
                return_single_send(cursor, taken.provider, units)
        except (RetryLater, DriverError) as error:
            log.warning("units of a check not returned", check=taken.id, error=str(error))

    def _end(self, taken: TakenCheck, result: CheckResult) -> None:
        """Record a result; while the database is down, until the check counts as lost."""
        give_up_at = time.monotonic() + CHECK_GRACE
        while True:
            try:
                with self._database.transaction() as cursor:
                    end_check(cursor, taken, result)
            except RetryLater:
                if time.monotonic() >= give_up_at or self._stop.wait(FIRST_PAUSE):
                    log.warning("result of a check not recorded", check=taken.id)
                    return
            else:
                return


def _message(taken: TakenCheck) -> CheckMessage:
    content = taken.content
    template = content.template
    return CheckMessage(
        phone=taken.phone,
        body=content.body,
        idempotency_key=f"check-{taken.id}",
        originator=content.originator,
        template_name=None if template is None else template.name,
        template_language=None if template is None else template.language,
        parts=() if template is None else template.parts,
        referenced=(ReferencePurpose.TEST, CampaignId(0), taken.id & LARGEST_SEQ, 0, 0),
    )
