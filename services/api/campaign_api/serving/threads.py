"""Native threads with a share for each key, as greenlets hand work to them."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import TypeVar

from gevent.lock import Semaphore
from gevent.threadpool import ThreadPool

T = TypeVar("T")

LONG_ANSWERS = 2
"""Answers beyond their first part that are produced at a time.

They compute, and a process computes one thing at a time: with more of them each short request
would wait for more turns of others.
"""


class TooMuchWork(Exception):
    """So many requests of one key wait for a thread that one more would wait in vain."""


class _Share:
    """The threads of one key, and how many of its requests have or want one."""

    def __init__(self, threads: int) -> None:
        self.permits = Semaphore(threads)
        self.present = 0


class Threads:
    """A bounded number of native threads; to be used by the greenlets of one thread.

    However many requests of one key wait, those of another one find a free thread. What threads
    have produced and no greenlet has taken yet is bounded too: a part of an answer is produced
    only while fewer than twice as many parts as threads are on their way.
    """

    def __init__(self, threads: int, share: int, most_waiting: int) -> None:
        """Start `threads`; one key has `share` of them, and `most_waiting` of its requests wait."""
        self._pool = ThreadPool(threads)
        self._share = share
        self._most = share + most_waiting
        self._shares: dict[str, _Share] = {}
        self._long_answers = Semaphore(LONG_ANSWERS)
        self.parts = Semaphore(2 * threads)
        """Permits for parts of answers between the thread that produces and the system."""

    def run(
        self, key_id: str, work: Callable[[], T], *, is_part: bool = False, goes_on: bool = False
    ) -> T:
        """Run `work` in a thread, and let other greenlets run meanwhile.

        With `is_part` one of `parts` is taken first, which the caller releases; one that `goes_on`
        with an answer is produced while few others are.

        Raises:
            TooMuchWork: too many requests of this key wait.
            Exception: what `work` raises.
        """
        share = self._shares.setdefault(key_id, _Share(self._share))
        if share.present >= self._most:
            raise TooMuchWork
        share.present += 1
        try:
            with share.permits, self._long_answers if goes_on else nullcontext():
                if is_part:
                    self.parts.acquire()
                # gevent would write what leaves a thread to stderr, as it is.
                result, error = self._pool.spawn(partial(_attempted, work)).get()
        finally:
            share.present -= 1
            if not share.present:
                del self._shares[key_id]
        if error is not None:
            raise error
        answer: T = result
        return answer


def _attempted(work: Callable[[], T]) -> tuple[T | None, BaseException | None]:
    try:
        return work(), None
    except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
        return None, error
