"""SIGTERM and SIGINT: the first asks for an orderly stop, the second ends the process."""

import os
import signal
import threading

import structlog

_STOPPING = frozenset({signal.SIGTERM, signal.SIGINT})

_log = structlog.get_logger()


def stop_on_signals(stopping: threading.Event) -> None:
    """Set `stopping` at the first signal, and end the process at once at the second.

    The process then ends with 128 plus the signal's number, as if the signal had ended it.

    To be called by the main thread before it starts others, which inherit that these signals
    are blocked. A thread waits for them instead of a handler, because a handler runs in the
    middle of whatever holds a lock, and would wait for that lock for ever.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    threading.Thread(
        target=_wait_for_signals, args=(stopping,), name="signals", daemon=True
    ).start()


def _wait_for_signals(stopping: threading.Event) -> None:
    first = signal.sigwait(_STOPPING)
    _log.info("scheduler stops", signal=signal.Signals(first).name)
    stopping.set()
    second = signal.sigwait(_STOPPING)
    os._exit(128 + second)
