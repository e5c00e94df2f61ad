"""Findings: the results of the doctor's checks."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    ATTENTION = "attention"
    """Works, and is not as it should be."""
    WRONG = "wrong"
    """Something does not work, or a promise does not hold."""
    UNKNOWN = "unknown"
    """Could not be looked at."""


class Finding(NamedTuple):
    """One thing that was looked at: what is the case, and what mends it where that is needed."""

    check: str
    verdict: Verdict
    said: str
    mend: str | None = None


def ok(check: str, said: str) -> Finding:
    """Say that something is in order."""
    return Finding(check, Verdict.OK, said)


def attention(check: str, said: str, mend: str | None = None) -> Finding:
    """Say that something works, and is not as it should be."""
    return Finding(check, Verdict.ATTENTION, said, mend)


def wrong(check: str, said: str, mend: str | None = None) -> Finding:
    """Say that something does not work, or that a promise does not hold."""
    return Finding(check, Verdict.WRONG, said, mend)


def unknown(check: str, said: str) -> Finding:
    """Say that something could not be looked at."""
    return Finding(check, Verdict.UNKNOWN, said)


def unless(check: str, findings: Iterable[Finding], said: str) -> list[Finding]:
    """Return the findings, or where there is none that all is well."""
    return list(findings) or [ok(check, said)]
