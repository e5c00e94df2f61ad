"""An HTTP provider under test, and the results it has reported."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Any

from campaign_common.settings import HttpSettings
from campaign_providers.contract import PreSendCheck, SendResult, SendStatus
from campaign_providers.http import HttpProvider
from campaign_providers.http.requests.fixed_body import as_templates
from campaign_sender.message import Message
from tests.unit.sender.messages import message

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class Submissions:
    """Submits messages and waits for what is reported of them, in the order of their seq."""

    def __init__(self, settings: HttpSettings, check_before_send: PreSendCheck[Message]) -> None:
        self.reported: list[SendResult[Message]] = []
        self._changed = threading.Condition()
        self.provider = HttpProvider(
            "http", as_templates(settings), check_before_send, self._report
        )

    def run(self, *seqs: int) -> list[SendResult[Message]]:
        """Submit messages with these seqs, and return their results."""
        self.start(*seqs)
        return self.wait(len(seqs))

    def start(self, *seqs: int) -> None:
        self.provider.submit([message(seq) for seq in seqs])

    def wait(self, count: int, timeout: float = 20.0) -> list[SendResult[Message]]:
        """Wait for `count` results, and take them."""
        with self._changed:
            enough = self._changed.wait_for(lambda: len(self.reported) >= count, timeout)
            assert enough, f"{len(self.reported)} of {count} results within {timeout:g} s"
            taken, self.reported = self.reported, []
        assert len(taken) == count, "a message was reported twice"
        return sorted(taken, key=lambda result: result.message.record.seq)

    def _report(self, results: Sequence[SendResult[Message]]) -> None:
        with self._changed:
            self.reported.extend(results)
            self._changed.notify_all()


@contextmanager
def submitting_to(
    url: str,
    check_before_send: PreSendCheck[Message] | None = None,
    **keys: Any,  # noqa: ANN401
) -> Iterator[Submissions]:
    """Run a provider for `url`, with loopback allowed unless `keys` say otherwise."""
    keys = {"allowed_networks": LOOPBACK, "timeout": 5.0, **keys}
    submissions = Submissions(HttpSettings(url=url, **keys), check_before_send or always)
    try:
        yield submissions
    finally:
        submissions.provider.close()


def always(messages: Sequence[Message]) -> list[SendStatus | None]:
    """Allow every send."""
    return [None] * len(messages)


def answers(results: Sequence[SendResult[Message]]) -> list[SendStatus]:
    return [result.status for result in results]
