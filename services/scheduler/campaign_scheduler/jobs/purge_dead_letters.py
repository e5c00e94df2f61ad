"""Taking erased people's numbers out of the dead letters: the last step of an erasure."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import structlog

from campaign_common.batches import SplittingProducer
from campaign_common.database import Database, named_lock
from campaign_common.dead_letters import DeadLetter, DeadLetterBox
from campaign_common.errors import LockBusy, TopicMissing
from campaign_common.producing import ReplacedProducer
from campaign_common.store.erasures import ErasureStep, end_erasure, left_undone
from campaign_common.written_number import WrittenNumber

AT_ONCE = 100
"""Erasures that one reading of the dead letters serves."""

_log = structlog.get_logger()


class Eraser:
    """Ends erasures whose database part is done; any scheduler may, one at a time does."""

    def __init__(
        self,
        database: Database,
        open_box: Callable[[], AbstractContextManager[DeadLetterBox]],
        make_producer: Callable[[], SplittingProducer],
    ) -> None:
        """Take how box and producer are made: they are seldom needed."""
        self._database = database
        self._open_box = open_box
        self._make_producer = make_producer

    def erase(self) -> None:
        """Remove the letters of people who are to be forgotten, and their numbers after that.

        Raises:
            RetryLater: the database or Kafka is away; the next call begins anew.
        """
        with self._database.reading() as cursor:
            erasures = left_undone(cursor, (ErasureStep.DEAD_LETTERS,), 0, AT_ONCE)
        if not erasures:
            return
        try:
            with named_lock(self._database, "dead letters", wait=0):
                self._erase_letters(WrittenNumber(*{erasure.phone for erasure in erasures}))
        except LockBusy:
            return
        for erasure in erasures:
            self._database.run(partial(end_erasure, erasure=erasure))
            _log.info("erasure ended", erasure=erasure.id)

    def _erase_letters(self, written: WrittenNumber) -> None:
        def is_theirs(letter: DeadLetter) -> bool:
            held = (letter.key or b"") + b"\n" + (letter.value or b"")
            return written.is_in(held.decode(errors="replace"))

        try:
            with self._open_box() as box:
                removed = box.remove(is_theirs, ReplacedProducer(self._make_producer))
        except TopicMissing:
            return  # no sender has made it yet
        if removed:
            _log.info("dead letters removed for erasures", count=removed)
