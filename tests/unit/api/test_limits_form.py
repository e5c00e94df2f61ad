"""Limits of a provider in the texts of a form."""

from datetime import date
from decimal import Decimal

import pytest
from werkzeug.datastructures import MultiDict

from campaign_api.dashboard.screens.settings import limits_form
from campaign_api.errors import InvalidField, RequestInvalid
from campaign_common.domain.limits.provider_limits import LimitUnit, ProviderLimits, RampStep

RAMP = (RampStep(date(2027, 1, 31), None, 500), RampStep(date(2027, 2, 1), Decimal("7.25"), None))
LIMITS = [
    ProviderLimits(),
    ProviderLimits(Decimal("0.5"), LimitUnit.SEGMENTS, 4, 100_000, "Asia/Tokyo", RAMP),
    ProviderLimits(concurrency=1),
]
WRONG = [
    ("per_second", "many", "must be a number from 0.001"),
    ("per_second", "0.0001", "must be a number from 0.001"),
    ("per_second", "9" * 400, "must be a number from 0.001"),
    ("per_second", "NaN", "must be a number from 0.001"),
    ("per_day", "1.5", "must be an integer"),
    ("per_day", "-1", "must be an integer"),
    ("per_day", "²", "must be an integer"),
    ("concurrency", "0", "must be from 1"),
    ("unit", "parts", "Must be one of"),
    ("zone", "Asia/Nowhere", "must be the name of a time zone"),
    ("ramp", "tomorrow", "line 1 must have a day"),
    ("ramp", "2027-01-31 1 2\n\ntomorrow 1 2", "line 2, from: must be a date"),
    ("ramp", "2027-01-31 - -", "must have per_second or per_day in each step"),
    ("ramp", "2027-01-31 1 -\n2027-01-31 2 -", "must have each day once"),
]


@pytest.mark.parametrize("limits", LIMITS, ids=["none", "all", "one"])
def test_limits_are_read_as_they_were_written(limits: ProviderLimits) -> None:
    assert limits_form.read(MultiDict(limits_form.written(limits))) == limits


@pytest.mark.parametrize(("field", "text", "message"), WRONG)
def test_a_wrong_field_is_named(field: str, text: str, message: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        limits_form.read(MultiDict({field: text}))
    (wrong,) = refused.value.wrong
    assert wrong == InvalidField(field, wrong.message)
    assert wrong.message.startswith(message)


@pytest.mark.parametrize("text", ["", "-1", "five", "²", "9" * 40])
def test_a_version_is_that_of_the_page(text: str) -> None:
    with pytest.raises(RequestInvalid):
        limits_form.read_version(MultiDict({limits_form.VERSION: text}))
