"""Job that removes the dead letters of erased people: the last step of an erasure."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import structlog

from campaign_common.database import Database, named_lock
from campaign_common.domain.erasure.phone_search import PhonePattern
from campaign_common.errors import LockBusy, TopicMissing
from campaign_common.kafka.batches import SplittingProducer
from campaign_common.kafka.dead_letters import DeadLetter, DeadLetterBox
from campaign_common.kafka.producing import ReplacedProducer
from campaign_common.store.recipients.erasures import ErasureStep, end_erasure, left_undone

PURGE_INTERVAL = 5.0
"""Seconds between two searches for erasures whose dead letters are left."""

BATCH = 100
"""Erasures that one pass over the dead letters serves."""

_log = structlog.get_logger()


class DeadLetterPurger:
    """Ends erasures whose steps in the database are done; one scheduler does so at a time.

    Box and producer are created for each pass, because passes are rare.
    """

    def __init__(
        self,
        database: Database,
        open_box: Callable[[], AbstractContextManager[DeadLetterBox]],
        make_producer: Callable[[], SplittingProducer],
    ) -> None:
        self._database = database
        self._open_box = open_box
        self._make_producer = make_producer

    def purge(self) -> None:
        """Remove the dead letters of erased people, then their numbers from the erasures.

        Raises:
            RetryLater: the database or Kafka is down; the next run starts again.
        """
        with self._database.reading() as cursor:
            erasures = left_undone(cursor, (ErasureStep.DEAD_LETTERS,), 0, BATCH)
        if not erasures:
            return
        try:
            with named_lock(self._database, "dead letters", wait=0):
                self._remove_letters(PhonePattern(*{erasure.phone for erasure in erasures}))
        except LockBusy:
            return
        for erasure in erasures:
            self._database.run(partial(end_erasure, erasure=erasure))
            _log.info("erasure completed", erasure=erasure.id)

    def _remove_letters(self, numbers: PhonePattern) -> None:
        def is_theirs(letter: DeadLetter) -> bool:
            text = (letter.key or b"") + b"\n" + (letter.value or b"")
            return numbers.is_in(text.decode(errors="replace"))

        try:
            with self._open_box() as box:
                removed = box.remove(is_theirs, ReplacedProducer(self._make_producer))
        except TopicMissing:
            return  # no sender has created it yet
        if removed:
            _log.info("dead letters deleted for erasures", count=removed)
