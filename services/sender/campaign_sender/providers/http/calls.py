"""What waits for a connection, and what is under way; all of it on the loop's thread."""

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog

from campaign_common.settings import HttpSettings
from campaign_sender.message import Message
from campaign_sender.providers.contract import Answer, LastLook, Report, Result
from campaign_sender.providers.http.answer_reader import HttpAnswer
from campaign_sender.providers.http.answers import AnswerTable
from campaign_sender.providers.http.connection import Connection
from campaign_sender.providers.http.dialer import Dialer, NotConnected
from campaign_sender.providers.http.outgoing import RequestWriter, Target

REPORT_INTERVAL = 0.005
"""Seconds for which results gather: each report wakes another thread."""

MOST_DIALS = 32
"""Connections that are being made at a time, so that no provider meets all of them at once."""

DIAL_AGAIN = 1.0
"""Seconds without new connections after one failed while others work."""

log = structlog.get_logger()


class Calls:
    """Carries messages over at most `connections` connections, one call on each at a time."""

    def __init__(self, settings: HttpSettings, url: str, last_look: LastLook, report: Report):
        self._settings = settings
        self._target = Target(url)
        self._dialer = Dialer(settings, self._target)
        self._writer = RequestWriter(self._target, settings.authorization)
        self._table = AnswerTable(settings.answers, settings.message_id_field)
        self._last_look = last_look
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Message] = deque()
        self._connections: set[Connection] = set()
        self._idle: list[Connection] = []
        self._dials: set[asyncio.Task[None]] = set()
        self._dial_at = float("-inf")
        self._results: list[Result] = []
        self._away = False
        self._closed = False
