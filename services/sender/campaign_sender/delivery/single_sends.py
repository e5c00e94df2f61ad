"""Single sends: messages outside every campaign's counters, each sent at most once.

They go through a client of their own to the same provider: no claim, no retry, no circuit breaker,
no grant of a second. Each takes its units of the day.
A message is taken by one sender only, so that one taken by a lost sender is not sent by another.

There are test messages, and answers to keywords of inbound messages. No suppression is looked up
here: the API does that for test messages, and who has said STOP may be told that it was heard.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from queue import Empty, SimpleQueue

import structlog
from pymysql.err import Error as DriverError

from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignEpoch
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.domain.message import MessageKey, Status
from campaign_common.domain.message_record import CONTENT_VERSION, TEXT_VERSION, MessageRecord
from campaign_common.domain.receipts.reference_purpose import LARGEST_SEQ, ReferencePurpose
from campaign_common.domain.shard import Epoch
from campaign_common.errors import RetryLater
from campaign_common.runtime.backoff import Backoff
from campaign_common.runtime.boot_time import boot_time
from campaign_common.runtime.outage_log import OutageLog
from campaign_common.runtime.periodic_thread import FIRST_PAUSE, LONGEST_PAUSE
from campaign_common.store.limits.single_sends import (
    UNLIMITED,
    UnitsOfDay,
    return_single_send,
    take_single_send,
)
from campaign_common.store.messages.single_messages import (
    SingleOutcome,
    TakenSingleMessage,
    end_single_message,
    take_single_messages,
)
from campaign_providers.contract import (
    CONTENT_NOT_TAKEN,
    REACHED_PROVIDER,
    Provider,
    Referenced,
    SendResult,
    SendStatus,
)
from campaign_providers.registry import MakeProvider
from campaign_sender.message import Message

POLL_INTERVAL = 0.25
"""Seconds between two polls for new messages, or checks."""

OUTAGE_NAME = "single messages"

STOP_TIMEOUT = 3.0
"""Seconds for which a stopping sender waits for outcomes, or for checks under way."""

MAX_TAKEN = 20
"""Messages taken in one transaction."""

SEND_WITHIN = 10.0
"""Seconds after which a message that was taken is not sent any more: the request of a test message
has timed out."""

DAY_USED_UP = "day_used_up"
"""Error code of a message for which too little is left of the provider's day."""

DATABASE_UNAVAILABLE = "database_unavailable"
"""Error code of a message whose units of the day were not taken, as far as is known."""

STATUSES: Mapping[SendStatus, Status] = {
    SendStatus.ACCEPTED: Status.SENT,
    SendStatus.AMBIGUOUS: Status.UNKNOWN,
    SendStatus.EXPIRED: Status.EXPIRED,
}
"""Final status by send status; every other one is a failure, since nothing is retried."""

log = structlog.get_logger()


class SingleMessage(Message, gc=False, eq=False):
    """Single message as a provider accepts it."""

    single_id: int = 0
    purpose: ReferencePurpose = ReferencePurpose.TEST
    taken_at: float = 0.0
    """Boot time in seconds."""
    units: UnitsOfDay = UNLIMITED
    """Units that it took of the provider's day."""

    @property
    def referenced(self) -> Referenced:
        """Content of its reference: its purpose, and its id in place of a seq."""
        return self.purpose, self.record.campaign_id, self.single_id & LARGEST_SEQ, 0, 0

    @property
    def idempotency_key(self) -> str:
        """Idempotency key for the provider."""
        return f"{self.purpose.name.lower()}-{self.single_id}"


class SingleSends:
    """Sends of single messages, which a thread of its own takes, makes and records."""

    def __init__(
        self,
        database: Database,
        providers: Mapping[str, MakeProvider],
        limits: Mapping[str, ProviderLimits],
        clock: Callable[[], float] = boot_time,
        write_suppressions: Callable[[Sequence[SendResult[Message]]], None] = lambda _: None,
    ) -> None:
        """Take a factory for each provider, used when it is first needed, and its limits.

        The limits are the configured ones, for where no live ones replace them.
        `write_suppressions`: stores those that follow from results, before their outcomes.
        """
        self._database = database
        self._limits = limits
        self._make = providers
        self._clock = clock
        self._providers: dict[str, Provider[Message]] = {}
        self._results: SimpleQueue[SendResult[Message]] = SimpleQueue()
        self._in_flight = 0
        self._unrecorded: list[SingleOutcome] = []
        self._write_suppressions = write_suppressions
        self._suppressing: list[SendResult[Message]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="single-sends", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more messages, record outcomes that arrive soon, and end the thread."""
        self._stop.set()
        self._thread.join()
        for provider in self._providers.values():
            provider.close()

    def check_before_send(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        """Check messages immediately before they are sent; an old one is expired."""
        since = self._clock() - SEND_WITHIN
        return [
            None if isinstance(one, SingleMessage) and one.taken_at >= since else SendStatus.EXPIRED
            for one in messages
        ]

    def on_results(self, results: Iterable[SendResult[Message]]) -> None:
        """Add results of a provider; called from any thread."""
        for result in results:
            self._results.put(result)

    def step(self) -> None:
        """Record outcomes, and send new messages.

        Raises:
            RetryLater: the database is down; outcomes are recorded later.
        """
        self._record()
        taken = self._take()
        taken_at = self._clock()
        for message in taken:
            self._in_flight += 1
            single = _single_message(message, taken_at)
            provider = self._provider(message.provider)
            refusal = self._refusal(provider, single)
            if refusal is None:
                provider.submit([single])
            else:
                self.on_results([SendResult(single, SendStatus.PERMANENT, None, refusal)])

    def _run(self) -> None:
        outages = OutageLog()
        backoff = Backoff(self._stop.wait, FIRST_PAUSE, LONGEST_PAUSE)
        while not self._stop.is_set():
            if outages.run(OUTAGE_NAME, self.step):
                backoff.succeeded()
            else:
                backoff.pause()
            self._wait()
        give_up_at = time.monotonic() + STOP_TIMEOUT
        while self._in_flight and time.monotonic() < give_up_at:
            self._wait()
            outages.run(OUTAGE_NAME, self._record)

    def _take(self) -> Sequence[TakenSingleMessage]:
        # After an unknown COMMIT nothing is sent: it is not known whether messages were taken.
        with self._database.transaction() as cursor:
            return take_single_messages(cursor, self._make.keys(), MAX_TAKEN)

    def _refusal(self, provider: Provider[Message], single: SingleMessage) -> str | None:
        """Take the units of a message from the day; return the error code where it is not sent."""
        if not provider.support.takes(single.record):
            return CONTENT_NOT_TAKEN
        name = single.provider
        try:
            with self._database.transaction() as cursor:
                units = take_single_send(cursor, name, self._limits[name], single.body)
        except RetryLater:
            return DATABASE_UNAVAILABLE
        if units.used_up is not None:
            return DAY_USED_UP
        single.units = units
        return None

    def _provider(self, name: str) -> Provider[Message]:
        known = self._providers.get(name)
        if known is None or not known.alive:
            self._providers[name] = self._make[name](self.check_before_send, self.on_results)
        return self._providers[name]

    def _wait(self) -> None:
        """Wait for a result, or for the next poll."""
        try:
            result = self._results.get(timeout=POLL_INTERVAL)
        except Empty:
            return
        self._note(result)

    def _note(self, result: SendResult[Message]) -> None:
        """Note an outcome for recording, and return the units of what was not sent."""
        single = result.message
        if not isinstance(single, SingleMessage):
            return
        status = STATUSES.get(result.status, Status.FAILED)
        self._unrecorded.append(
            SingleOutcome(single.single_id, status, result.provider_message_id, result.error_code)
        )
        if result.suppress:
            self._suppressing.append(result)
        if result.status not in REACHED_PROVIDER:
            self._return_to_day(single)

    def _return_to_day(self, single: SingleMessage) -> None:
        """Return units once; where the database refuses, or it is not known, they are lost."""
        try:
            with self._database.transaction() as cursor:
                return_single_send(cursor, single.provider, single.units)
        except (RetryLater, DriverError) as error:
            log.warning(
                "units of a single message not returned",
                purpose=single.purpose.name,
                id=single.single_id,
                error=str(error),
            )

    def _record(self) -> None:
        while not self._results.empty():
            self._note(self._results.get())
        if not self._unrecorded:
            return
        if self._suppressing:
            self._write_suppressions(self._suppressing)
            self._suppressing = []
        with self._database.transaction() as cursor:
            for outcome in self._unrecorded:
                end_single_message(cursor, outcome)
        self._in_flight -= len(self._unrecorded)
        self._unrecorded = []


def _single_message(message: TakenSingleMessage, taken_at: float) -> SingleMessage:
    body, template = message.rendered
    is_plain = template is None and message.originator is None
    record = MessageRecord(
        TEXT_VERSION if is_plain else CONTENT_VERSION,
        message.campaign_id,
        seq=0,
        shard=0,
        campaign_epoch=CampaignEpoch(0),
        map_version=0,
        phone=message.phone,
        body=body,
        template=template,
        originator=message.originator,
    )
    key = MessageKey(message.campaign_id, 0)
    single = SingleMessage(
        record,
        key,
        -1,
        -1,
        Epoch(0),
        single_id=message.id,
        purpose=message.purpose,
        taken_at=taken_at,
    )
    single.provider = message.provider
    return single
