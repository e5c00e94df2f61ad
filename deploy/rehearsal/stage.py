"""Where a rehearsal takes place: a fresh cluster, a terminal, and a copy of k8s/ to change."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from local_stack.distributions.cache import Cache
from rehearsal.cluster import Cluster
from rehearsal.errors import RehearsalError
from rehearsal.terminal import Terminal

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Stage:
    """What each step is given."""

    terminal: Terminal
    cluster: Cluster
    cache: Cache
    patience: float = 30
    """Seconds that the cluster is given to become what is expected."""

    def expect(self, what: str, seen: Callable[[], object], wanted: object) -> None:
        """Wait until the cluster is as expected, and say so in the transcript.

        Raises:
            RehearsalError: it did not come to that; the message says what was seen last.
        """
        deadline = time.monotonic() + self.patience
        while (last := seen()) != wanted and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        self.confirm(what, last, wanted)

    def confirm(self, what: str, seen: object, wanted: object) -> None:
        """Say in the transcript that something is as expected.

        Raises:
            RehearsalError: it is not.
        """
        if seen != wanted:
            raise RehearsalError(f"not so: {what}\nexpected {wanted!r}\nfound    {seen!r}")
        self.terminal.transcript.confirmed(what)
