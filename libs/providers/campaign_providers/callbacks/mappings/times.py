"""Times of reports, in the forms that gateways have."""

from datetime import UTC, datetime

from campaign_common.errors import SettingsError

ISO = "iso"
_SECONDS = {"seconds": 1, "milliseconds": 1_000}
_LONGEST = 64


def checked_form(form: str) -> str:
    """Return the form of a time where it is one: a word, or a pattern of strptime.

    Raises:
        SettingsError: it is none.
    """
    if form != ISO and form not in _SECONDS:
        try:
            shown = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).strftime(form)
            datetime.strptime(shown, form).replace(tzinfo=UTC)
        except ValueError:
            shown = form
        if shown == form:
            raise SettingsError(
                "mapping of callbacks: expected iso, seconds, milliseconds or a pattern with %,"
                f" not {form!r}"
            )
    return form


def utc_time(text: str, form: str) -> datetime | None:
    """Return a time in UTC; None of a text that is none of this form, or out of its range."""
    if len(text) > _LONGEST:
        return None
    try:
        if form in _SECONDS:
            return datetime.fromtimestamp(float(text) / _SECONDS[form], UTC)
        found = _parsed(text, form)
        zoned = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        return zoned.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _parsed(text: str, form: str) -> datetime:
    if form == ISO:
        return datetime.fromisoformat(text)
    return datetime.strptime(text, form)  # noqa: DTZ007 - one without a zone is in UTC
