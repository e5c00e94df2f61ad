"""Ctrl-C and SIGTERM as one condition to wait on."""

import signal
import threading
from types import FrameType
from typing import NoReturn


class StopSignal:
    """Set by the first SIGINT or SIGTERM; from the second on the default applies."""

    def __init__(self) -> None:
        self._event = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds` for the signal; return whether it has come."""
        return self._event.wait(seconds)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._event.set()
        signal.signal(number, signal.SIG_DFL)


def unwind_on_sigterm() -> None:
    """Raise KeyboardInterrupt on SIGTERM, so that everything started is stopped in order."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
