"""Structured logs: one JSON line per event, or readable text on a terminal.

Every line carries `ts` (RFC 3339, UTC), `level`, `service` and `event`. Phone numbers and
passwords are masked in whatever a line carries, texts of exceptions included.
"""

import logging
import re
import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from campaign_common.dsn import mask_secrets
from campaign_common.settings import LogSettings

PHONE_KEYS = frozenset({"phone", "phones"})
UNTOUCHED_KEYS = frozenset({"ts", "level", "service"})
LEADING_KEYS = ("ts", "level", "service", "event")

_PHONE_IN_TEXT = re.compile(r"(?<!\w)\+?[0-9]{7,15}(?!\w)")

_QUIET_LOGGERS = {"apscheduler": logging.WARNING, "yoyo": logging.WARNING}
"""Libraries that report every run of their own machinery at INFO."""


def configure_logging(service: str, settings: LogSettings, stream: TextIO | None = None) -> None:
    """Send the logs of this process, and of the libraries in it, to `stream` (stderr)."""
    out = stream if stream is not None else sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        _name_service(service),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(settings, out),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    for name, level in _QUIET_LOGGERS.items():
        logging.getLogger(name).setLevel(max(level, root.level))
    logging.captureWarnings(capture=True)


def log_uncaught_errors() -> None:
    """Log what no code catches like everything else, in place of a raw trace.

    For the main thread of this process, and for its other threads, those of libraries included.
    """
    log = structlog.get_logger(__name__)

    def of_the_process(
        kind: type[BaseException], error: BaseException, _: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log.critical("uncaught error in process", exc_info=error)

    def of_a_thread(ended: threading.ExceptHookArgs) -> None:
        if ended.exc_value is None or issubclass(ended.exc_type, SystemExit):
            return
        name = ended.thread.name if ended.thread else None
        log.critical("uncaught error in thread", thread=name, exc_info=ended.exc_value)

    sys.excepthook = of_the_process
    threading.excepthook = of_a_thread


def mask_phone(phone: str) -> str:
    """Hide a phone number but for its last two digits."""
    return f"{'*' * max(len(phone) - 2, 0)}{phone[-2:]}"


def mask_text(text: str) -> str:
    """Hide the passwords of DSNs and everything that could be a phone number in `text`."""
    return _PHONE_IN_TEXT.sub(lambda found: mask_phone(found[0]), mask_secrets(text))


def mask_event(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Mask every value of a log line; numbers under other keys than `phone` stay."""
    return {
        key: value if key in UNTOUCHED_KEYS else _masked(key, value) for key, value in event.items()
    }


def _masked(key: str, value: object) -> object:
    if isinstance(value, str):
        return mask_phone(value) if key in PHONE_KEYS else mask_text(value)
    if isinstance(value, dict):
        return {name: _masked(str(name), below) for name, below in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
        return [_masked(key, item) for item in value]
    if key in PHONE_KEYS and isinstance(value, int):
        return mask_phone(str(value))
    if value is None or isinstance(value, bool | int | float):
        return value
    return mask_text(str(value))


def _name_service(service: str) -> Processor:
    def add(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return add


def _lead_with_the_known(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: event.pop(key) for key in LEADING_KEYS if key in event} | dict(event)


def _renderers(settings: LogSettings, out: TextIO) -> list[Processor]:
    as_text = settings.format == "text" or (settings.format == "auto" and out.isatty())
    if not as_text:
        return [
            structlog.processors.format_exc_info,
            mask_event,
            _lead_with_the_known,
            structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=False),
        ]
    return [
        structlog.processors.format_exc_info,
        mask_event,
        structlog.dev.ConsoleRenderer(
            colors=out.isatty(), timestamp_key="ts", pad_event_to=32, sort_keys=False
        ),
    ]
