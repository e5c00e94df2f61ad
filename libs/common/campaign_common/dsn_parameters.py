"""Parameters after the `?` of a DSN, with the Go driver's names and meaning."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar
from urllib.parse import unquote_plus

from campaign_common.duration import parse_duration
from campaign_common.errors import DsnInvalid

Tls = Literal["false", "true", "skip-verify", "preferred"]

WITHOUT_EFFECT = frozenset(
    {
        "allowFallbackToPlaintext",
        "allowNativePasswords",
        "checkConnLiveness",
        "columnsWithAlias",
        "connectionAttributes",
        "interpolateParams",
        "loc",
        "parseTime",
        "timeTruncate",
    }
)
"""Tunes the Go driver only: dates are always parsed here, and sessions are always in UTC."""

UNSUPPORTED = frozenset(
    {
        "allowAllFiles",
        "allowCleartextPasswords",
        "allowOldPasswords",
        "clientFoundRows",
        "compress",
        "multiStatements",
        "serverPubKey",
    }
)
"""Would weaken the connection, or change what the stores rely on."""

OWNED = frozenset(
    {
        "autocommit",
        "sql_mode",
        "time_zone",
        "transaction_isolation",
        "transaction_read_only",
        "tx_isolation",
        "tx_read_only",
    }
)
"""Session variables that the database module sets itself, because guarantees depend on them."""

_T = TypeVar("_T")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_SYSTEM_VALUE = re.compile(r"-?[0-9]+(\.[0-9]+)?|'[^'\\\x00]*'|[A-Za-z_][A-Za-z0-9_-]*")
_BOOLEANS = {"1": True, "true": True, "0": False, "false": False}


@dataclass(frozen=True, kw_only=True)
class DsnParameters:
    """The parameters that have an effect here; times in seconds."""

    charset: str = "utf8mb4"
    collation: str | None = None
    tls: Tls = "false"
    connect_timeout: float | None = None
    """`timeout` of the DSN: to make a connection."""
    read_timeout: float | None = None
    write_timeout: float | None = None
    max_allowed_packet: int = 16 * 1024 * 1024
    reject_read_only: bool = True
    """Drop all connections to a server that has become read-only. The Go driver's default is
    false; here it is true, so that a switch-over needs no restart."""
    system_variables: tuple[tuple[str, str], ...] = ()
    """Session variables, as SQL literals: every name that is no parameter."""


def read_parameters(query: str) -> DsnParameters:
    """Read `key=value&…`; a piece without `=` is skipped, as the Go driver does.

    Raises:
        DsnInvalid: a parameter that is not supported, or a wrong value.
    """
    given: dict[str, str] = {}
    for piece in query.split("&"):
        name, equals, value = piece.partition("=")
        if equals:
            given[name] = unquote_plus(value)
    for name in given.keys() & UNSUPPORTED:
        if _read(name, given.pop(name), _boolean_or_text):
            raise DsnInvalid(f"the parameter {name} is not supported")
    for name in given.keys() & WITHOUT_EFFECT:
        del given[name]
    charset = given.pop("charset", "utf8mb4").split(",")[0].lower()
    if charset != "utf8mb4":
        raise DsnInvalid(f"expected charset=utf8mb4, got {charset!r}")
    return DsnParameters(
        collation=_take(given, "collation", _word, None),
        tls=_take(given, "tls", _tls, "false"),
        connect_timeout=_take(given, "timeout", _positive_duration, None),
        read_timeout=_take(given, "readTimeout", _positive_duration, None),
        write_timeout=_take(given, "writeTimeout", _positive_duration, None),
        max_allowed_packet=_take(given, "maxAllowedPacket", _size, 16 * 1024 * 1024),
        reject_read_only=_take(given, "rejectReadOnly", _boolean, default=True),
        system_variables=_system_variables(given),
    )


def _take(given: dict[str, str], name: str, reader: Callable[[str], _T], default: _T) -> _T:
    return _read(name, given.pop(name), reader) if name in given else default


def _read(name: str, value: str, reader: Callable[[str], _T]) -> _T:
    try:
        return reader(value)
    except ValueError as error:
        raise DsnInvalid(f"parameter {name}: {error}, got {value!r}") from error


def _boolean_or_text(value: str) -> bool:
    return _BOOLEANS.get(value.lower(), True)


def _boolean(value: str) -> bool:
    if value.lower() not in _BOOLEANS:
        raise ValueError("expected true or false")
    return _BOOLEANS[value.lower()]


def _tls(value: str) -> Tls:
    lowered = value.lower()
    if lowered in _BOOLEANS:
        return "true" if _BOOLEANS[lowered] else "false"
    if lowered == "skip-verify":
        return "skip-verify"
    if lowered == "preferred":
        return "preferred"
    raise ValueError("expected true, false, skip-verify or preferred")


def _positive_duration(value: str) -> float:
    seconds = parse_duration(value)
    if seconds <= 0:
        raise ValueError("expected a duration above zero")
    return seconds


def _size(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", value) or not 1024 <= int(value) <= 2**30:
        raise ValueError("expected bytes from 1024 to 1073741824")
    return int(value)


def _word(value: str) -> str:
    if not _IDENTIFIER.fullmatch(value):
        raise ValueError("expected a name of letters, digits and _")
    return value


def _system_variables(given: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Check what goes into SET statements unbound: nothing but a name and one literal."""
    for name, value in given.items():
        if not _IDENTIFIER.fullmatch(name):
            raise DsnInvalid("expected parameters as name=value, of letters, digits and _")
        if name.lower() in OWNED:
            raise DsnInvalid(f"the session variable {name} is set by this system")
        if not _SYSTEM_VALUE.fullmatch(value):
            raise DsnInvalid(f"parameter {name}: expected a number, a word or 'text'")
    return tuple(given.items())
