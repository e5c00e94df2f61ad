"""Limits of a provider as a form has them: in texts, a step of the ramp on each line."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from werkzeug.datastructures import MultiDict

from campaign_api.dashboard.pages import read_values
from campaign_api.dashboard.render import formats
from campaign_api.dashboard.render.languages import gettext
from campaign_api.errors import InvalidField, RequestInvalid
from campaign_api.schemas.provider_limits import ProviderLimitsSchema
from campaign_common.domain.limits.provider_limits import LimitUnit, ProviderLimits

FIELDS = ("per_second", "unit", "concurrency", "per_day", "zone", "ramp")

VERSION = "version"
"""The hidden field with the version of the limits that the form was made of."""

NONE = "-"
"""Stands in a line of the ramp for an amount that stays as in the limits themselves."""

STEP_PARTS = 3
"""Day, per second, per day."""


def read(form: MultiDict[str, str]) -> ProviderLimits:
    """Read limits by the schema of the API.

    Raises:
        RequestInvalid: a field is wrong; of a line of the ramp its number is named.
    """
    values: dict[str, object] = {"ramp": _steps(form.get("ramp", ""))}
    for name in ("per_second", "concurrency", "per_day"):
        if text := form.get(name, "").strip():
            values[name] = _number(text)
    for name in ("unit", "zone"):
        if text := form.get(name, "").strip():
            values[name] = text
    try:
        limits: ProviderLimits = read_values(ProviderLimitsSchema(), values)
    except RequestInvalid as error:
        raise RequestInvalid([_of_the_form(wrong) for wrong in error.wrong]) from error
    return limits


def read_version(form: MultiDict[str, str]) -> int:
    """Read the version of the limits that a form was made of.

    Raises:
        RequestInvalid: it is no number.
    """
    text = form.get(VERSION, "")
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(2**63))):
        raise RequestInvalid([InvalidField(VERSION, "must be that of the page")])
    return int(text)


def written(limits: ProviderLimits | None) -> Mapping[str, str]:
    """Return the fields of a form that has these limits; None: those of no limit."""
    values = (limits or ProviderLimits()).as_json()
    steps = [
        " ".join([step["from"], step["per_second"] or NONE, str(step["per_day"] or NONE)])
        for step in values["ramp"]
    ]
    plain = {name: "" if values[name] is None else str(values[name]) for name in FIELDS}
    return {**plain, "ramp": "\n".join(steps)}


def summary(limits: ProviderLimits | None) -> str:
    """Return limits in a few words; None: the configured ones hold."""
    if limits is None:
        return gettext("the configured limits")
    unit = unit_text(limits.unit)
    parts = []
    if limits.per_second is not None:
        parts.append(
            gettext("%(n)s %(unit)s a second")
            % {"n": formats.number(limits.per_second), "unit": unit}
        )
    if limits.per_day is not None:
        parts.append(
            gettext("%(n)s %(unit)s a day (%(zone)s)")
            % {"n": formats.number(limits.per_day), "unit": unit, "zone": limits.zone}
        )
    if limits.concurrency is not None:
        parts.append(
            gettext("%(n)s requests under way") % {"n": formats.number(limits.concurrency)}
        )
    if limits.ramp:
        first = min(step.since for step in limits.ramp)
        parts.append(gettext("a ramp from %(day)s") % {"day": first.isoformat()})
    return ", ".join(parts) or gettext("none")


def unit_text(unit: LimitUnit) -> str:
    """Return the unit that limits count in."""
    texts = {LimitUnit.MESSAGES: gettext("messages"), LimitUnit.SEGMENTS: gettext("segments")}
    return texts[unit]


def _number(text: str) -> object:
    """Return a number; a text that is none stays as it is, and is refused by the schema."""
    if text.isascii() and text.isdigit():
        return int(text[:30])
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def _steps(text: str) -> list[dict[str, object]]:
    steps = []
    for number, line in enumerate(_lines(text), start=1):
        parts = line.split()
        if len(parts) != STEP_PARTS:
            message = gettext(
                "line %(number)s must have a day, an amount a second and one a day, or - for none"
            )
            raise RequestInvalid([InvalidField("ramp", message % {"number": number})])
        day, *amounts = parts
        per_second, per_day = (None if part == NONE else _number(part) for part in amounts)
        steps.append({"from": day, "per_second": per_second, "per_day": per_day})
    return steps


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _of_the_form(wrong: InvalidField) -> InvalidField:
    """Return a message about a field of the form; the ramp is one field of it."""
    name, _, below = wrong.field.partition(".")
    number, _, part = below.partition(".")
    if not number.isdigit():
        return wrong
    line = gettext("line %(number)s, %(part)s") % {"number": int(number) + 1, "part": part}
    return InvalidField(name, f"{line}: {wrong.message}")
