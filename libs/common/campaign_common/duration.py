"""Durations as Go's time.ParseDuration writes them: 250ms, 5s, 1h30m."""

import re
from decimal import Decimal

_SECONDS = {
    "ns": Decimal("1e-9"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),  # U+00B5, the micro sign
    "μs": Decimal("1e-6"),
    "ms": Decimal("1e-3"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
}
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_WHOLE = re.compile(rf"[+-]?(?:{_PART.pattern})+")


def parse_duration(text: str) -> float:
    """Return the seconds that `text` names.

    Raises:
        ValueError: not a duration; says what was expected.
    """
    if text in {"0", "+0", "-0"}:
        return 0.0
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"expected a duration such as 250ms, 5s or 1h30m{_hint(text)}")
    seconds = sum(
        (Decimal(number) * _SECONDS[unit] for number, unit in _PART.findall(text)), Decimal()
    )
    return float(-seconds if text.startswith("-") else seconds)


def format_duration(seconds: float) -> str:
    """Write `seconds` in the same form, rounded to milliseconds: 90.5 is `1m30.5s`."""
    milliseconds = round(seconds * 1000)
    if milliseconds < 0:
        return f"-{format_duration(-seconds)}"
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours}h"] * bool(hours) + [f"{minutes}m"] * bool(minutes)
    if rest:
        parts.append(f"{rest / 1000:g}s")
    return "".join(parts)


def _hint(text: str) -> str:
    return f" (add a unit: {text}s, {text}ms, …)" if re.fullmatch(r"[0-9]+", text) else ""
