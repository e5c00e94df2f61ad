"""The setting of a rehearsal: a fresh cluster, a terminal, and a copy of k8s/ to change."""

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
    """The argument of each step."""

    terminal: Terminal
    cluster: Cluster
    cache: Cache
    patience: float = 30
    """Seconds that the cluster has to reach an expected state."""

    def expect(self, what: str, seen: Callable[[], object], wanted: object) -> None:
        """Wait until the cluster is as expected, and note it in the transcript.

        Raises:
            RehearsalError: it did not become so in time; the message shows its last state.
        """
        deadline = time.monotonic() + self.patience
        while (last := seen()) != wanted and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        self.confirm(what, last, wanted)

    def confirm(self, what: str, seen: object, wanted: object) -> None:
        """Note in the transcript that something is as expected.

        Raises:
            RehearsalError: it is not.
        """
        if seen != wanted:
            raise RehearsalError(f"not so: {what}\nexpected {wanted!r}\nfound    {seen!r}")
        self.terminal.transcript.confirmed(what)
