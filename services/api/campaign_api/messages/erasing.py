"""Erasure of a person from the database: the quick part in the request, the rest in the sweep.

The scheduler purges the dead letters, which only Kafka holds.
"""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

import phonenumbers
import structlog

from campaign_api.erased.keys import ErasureKeys
from campaign_api.errors import ErasureKeyMissing
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_common.database import Cursor, Database, named_lock
from campaign_common.domain.erasure.phone_search import PhonePattern
from campaign_common.errors import ErasureHeld, LockBusy
from campaign_common.store.inbound.answered_keywords import delete_answers_to
from campaign_common.store.inbound.inbound_messages import delete_inbound_of
from campaign_common.store.messages.send_view import FRESH_FOR
from campaign_common.store.recipients import erasures as store
from campaign_common.store.recipients.erasures import Erasure, ErasureStep
from campaign_common.store.suppressions.suppressions import blank_changes, suppressions_of

RETRY_SECONDS = 10.0
"""Seconds for which each transaction is retried while the database is down."""

IN_REQUEST = 5.0
"""Seconds that a request spends on reading rejects before it leaves them to the sweep."""

REJECTS_AT_ONCE = 1_000
"""Rejects read in one transaction."""

LEFT_AFTER = 60
"""Seconds after which an erasure counts as left undone by its request."""

AT_ONCE = 20
"""Erasures that one sweep continues."""

INBOUND_AT_ONCE = 5_000
"""Inbound messages deleted in one transaction."""

SHORTEST_NATIONAL = 7
"""Digits; a shorter number would be found inside other people's."""

log = structlog.get_logger(__name__)


class Eraser:
    """Execution of erasures up to the dead letters; every step is idempotent."""

    def __init__(
        self, database: Database, shards: int, keys: ErasureKeys, longest: float = LEFT_AFTER
    ) -> None:
        """Erase with `shards`, the number of shards of future campaigns.

        `longest`: seconds of the longest transaction.
        """
        self._database = database
        self._keys = keys
        self._transactions = RetryingTransactions(database, RETRY_SECONDS)
        self._shards = shards
        self._longest = longest

    def erase(self, phone: str, actor: str) -> tuple[Erasure, bool]:
        """Erase a person, at least from every recipient list.

        Return the erasure, and whether it leaves a hash by which later imports leave the person
        out.

        Raises:
            ErasureKeyMissing: the configured key can not be read; nothing is done.
            ErasureHeld: campaigns that run keep the person from being erased for now.
            RetryLater: the database is down; the sweep continues an erasure that was stored.
        """
        key = self._keys.current()
        order = partial(store.order_erasure, phone=phone, actor=actor, key=key)
        erasure = self._transactions.run(order)
        log.info("erasure requested", erasure=erasure.id, actor=actor)
        if key is None:
            log.warning("erasure without a hash", erasure=erasure.id, missing="Erasure.Keys")
        give_up_at = time.monotonic() + IN_REQUEST
        erasure = self._erase_recipients(erasure)
        if suppressed := self._has_suppressions(erasure):
            time.sleep(FRESH_FOR)
        erasure = self._finish(
            erasure, lambda: time.monotonic() >= give_up_at, suppressed=suppressed
        )
        return erasure, key is not None

    def resume_unfinished(self, stop: threading.Event) -> int:
        """Continue erasures that requests and crashes left; return how many made progress."""
        steps = (ErasureStep.RECIPIENTS, ErasureStep.REJECTS)
        try:
            with named_lock(self._database, "erasures", wait=0):
                with self._database.reading() as cursor:
                    left = store.left_undone(cursor, steps, LEFT_AFTER, AT_ONCE)
                return self._resume(left, stop)
        except LockBusy:
            return 0

    def _resume(self, left: Sequence[Erasure], stop: threading.Event) -> int:
        """Continue erasures with one wait for all; a stop leaves the rest to the next sweep."""
        found = [self._attempt(self._erase_recipients, each, stop) for each in left]
        suppressed = {each for each in found if self._has_suppressions(each)}
        if suppressed:
            stop.wait(FRESH_FOR)
        ended = []
        for each in found:
            finish = partial(self._finish, is_over=stop.is_set, suppressed=each in suppressed)
            ended.append(self._attempt(finish, each, stop))
        return sum(before != after for before, after in zip(left, ended, strict=True))

    def _attempt(
        self, work: Callable[[Erasure], Erasure], erasure: Erasure, stop: threading.Event
    ) -> Erasure:
        """Return the erasure after some work, or as it was where that is stopped or delayed."""
        if stop.is_set():
            return erasure
        try:
            return work(erasure)
        except (ErasureHeld, ErasureKeyMissing) as error:
            log.warning("erasure delayed", erasure=erasure.id, reason=str(error))
            return erasure

    def _finish(
        self, erasure: Erasure, is_over: Callable[[], bool], *, suppressed: bool
    ) -> Erasure:
        """Take the number from everything but the recipient lists, as far as there is time.

        `suppressed`: its suppressions go, too. A sender that sees none any more must see that the
        messages are cancelled: this begins once every view that a send may use has that.
        """
        if erasure.step is not ErasureStep.REJECTS:
            return erasure
        key = self._keys.current() if suppressed else None
        if key is not None:
            self._transactions.run(partial(store.hash_suppressions_of, erasure=erasure, key=key))
        written = PhonePattern(*forms_of(erasure.phone))
        blank = partial(_blank_some, written=written, longest=self._longest)
        while erasure.step is ErasureStep.REJECTS and not is_over():
            before, erasure = erasure, self._transactions.run(partial(blank, erasure=erasure))
            if erasure == before:
                break  # changes of suppressions are too young
        return erasure

    def _has_suppressions(self, erasure: Erasure) -> bool:
        """Return whether suppressions of the person are to be left under a hash now."""
        if erasure.step is not ErasureStep.REJECTS or not self._keys.are_configured:
            return False
        with self._database.reading() as cursor:
            return bool(suppressions_of(cursor, erasure.phone))

    def _erase_recipients(self, erasure: Erasure) -> Erasure:
        if erasure.step is not ErasureStep.RECIPIENTS:
            return erasure
        self._delete_inbound(erasure)
        with self._database.reading() as cursor:
            list_ids = store.lists_with(cursor, erasure)
        held: ErasureHeld | None = None
        for list_id in list_ids:
            erase = partial(
                store.erase_recipient, erasure=erasure, list_id=list_id, shards=self._shards
            )
            try:
                self._transactions.run(erase)
            except ErasureHeld as error:
                held = error
        if held is not None:
            raise held
        return self._transactions.run(partial(_leave_recipients, erasure=erasure))

    def _delete_inbound(self, erasure: Erasure) -> None:
        delete = partial(
            delete_inbound_of, addresses=addresses_of(erasure.phone), limit=INBOUND_AT_ONCE
        )
        while self._transactions.run(delete) == INBOUND_AT_ONCE:
            pass


def forms_of(phone: str) -> list[str]:
    """Return a number's digits with and, where it begins with one, without its country code."""
    try:
        number = phonenumbers.parse(f"+{phone}")
    except phonenumbers.NumberParseException:
        return [phone]
    national = phonenumbers.national_significant_number(number)
    return [phone, national] if len(national) >= SHORTEST_NATIONAL else [phone]


def addresses_of(phone: str) -> list[str]:
    """Return the addresses by which gateways name a person: all digits, or those dialled at home.

    The latter begin with 0, as no international number does.
    """
    national = forms_of(phone)[1:]
    return [phone, *(form if form.startswith("0") else f"0{form}" for form in national)]


def _leave_recipients(cursor: Cursor, erasure: Erasure) -> Erasure:
    store.delete_test_messages(cursor, erasure)
    delete_answers_to(cursor, addresses_of(erasure.phone))
    moved = erasure._replace(step=ErasureStep.REJECTS)
    store.move_erasure(cursor, moved)
    return moved


def _blank_some(cursor: Cursor, erasure: Erasure, written: PhonePattern, longest: float) -> Erasure:
    """Blank the number in a slice of the rejects of one list, or move to the next step.

    The last slice waits for the changes of the person's suppressions, whose number goes with it.
    """
    list_id, after_line = erasure.after_list_id, erasure.after_line
    rejects = store.read_rejects(cursor, list_id, after_line, REJECTS_AT_ONCE)
    found = [reject.line for reject in rejects if written.is_in(reject.raw_text)]
    store.blank_rejects(cursor, list_id, found)
    if len(rejects) == REJECTS_AT_ONCE:
        moved = erasure._replace(after_line=rejects[-1].line)
    elif (next_list := store.next_rejected_list(cursor, erasure)) is not None:
        moved = erasure._replace(after_list_id=next_list, after_line=0)
    elif blank_changes(cursor, erasure.phone, longest):
        moved = erasure._replace(step=ErasureStep.DEAD_LETTERS)
    else:
        return erasure
    store.move_erasure(cursor, moved)
    return moved
