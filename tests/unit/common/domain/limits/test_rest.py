from datetime import datetime

import pytest

from campaign_common.domain.limits.rest import ProviderRest, RestReason, rest_of_all

SHORT = ProviderRest(datetime(2027, 1, 1, 10), RestReason.CIRCUIT_OPEN)  # noqa: DTZ001 - as stored
LONG = ProviderRest(datetime(2027, 1, 2), RestReason.DAY_USED_UP)  # noqa: DTZ001 - as stored


@pytest.mark.parametrize(
    ("rests", "expected"),
    [
        pytest.param({}, None, id="none rests"),
        pytest.param({"a": LONG}, None, id="one works"),
        pytest.param({"a": LONG, "b": SHORT}, SHORT, id="all rest"),
    ],
)
def test_a_route_rests_until_the_first_of_its_providers(
    rests: dict[str, ProviderRest], expected: ProviderRest | None
) -> None:
    assert rest_of_all(["a", "b"], rests) == expected
