"""Findings: the results of the doctor's checks."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class CheckStatus(StrEnum):
    """Status of a check."""

    OK = "ok"
    WARNING = "warning"
    """It works, but not as recommended."""
    ERROR = "error"
    """It does not work, or breaks a guarantee."""
    UNKNOWN = "unknown"
    """The check could not run."""


class Finding(NamedTuple):
    """Result of a check, and the remedy where one is needed."""

    check: str
    status: CheckStatus
    message: str
    remedy: str | None = None


def ok(check: str, message: str) -> Finding:
    """Make a finding that everything is in order."""
    return Finding(check, CheckStatus.OK, message)


def warning(check: str, message: str, remedy: str | None = None) -> Finding:
    """Make a finding of something that works, but not as recommended."""
    return Finding(check, CheckStatus.WARNING, message, remedy)


def failed(check: str, message: str, remedy: str | None = None) -> Finding:
    """Make a finding of something that does not work, or breaks a guarantee."""
    return Finding(check, CheckStatus.ERROR, message, remedy)


def unknown(check: str, message: str) -> Finding:
    """Make a finding of a check that could not run."""
    return Finding(check, CheckStatus.UNKNOWN, message)


def unless(check: str, findings: Iterable[Finding], message: str) -> list[Finding]:
    """Return the findings, or, if there are none, that everything is in order."""
    return list(findings) or [ok(check, message)]
