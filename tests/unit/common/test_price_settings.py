from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from campaign_common.domain.content.price import Price
from campaign_common.errors import SettingsError
from campaign_common.settings import load_settings
from tests.support.sample import SAMPLE


def loaded(tmp_path: Path, price: str, **environ: str) -> Price | None:
    path = tmp_path / "campmgr.yaml"
    path.write_text(f"{SAMPLE}\nSimulated: {{Price: {price}}}\n")
    return load_settings(path, environ).simulated.price


def test_amounts_are_those_of_the_file(tmp_path: Path) -> None:
    price = loaded(
        tmp_path, '{Currency: EUR, PerSegment: {"49": 0.07, "1": "0.000001", default: 1}}'
    )
    rates = {"49": Decimal("0.07"), "1": Decimal("0.000001")}
    assert price == Price("EUR", Decimal(1), rates)
    assert loaded(tmp_path, "null") is None


def test_a_price_comes_from_the_environment_too(tmp_path: Path) -> None:
    text = "{Currency: USD, PerSegment: {default: 0.0075}}"
    price = loaded(tmp_path, "null", CAMP__SIMULATED__PRICE=text)
    assert price == Price("USD", Decimal("0.0075"), {})


@pytest.mark.parametrize(
    ("price", "key", "expected"),
    [
        ("0.07", "Price: ", "expected Currency, such as EUR, and PerSegment"),
        ("{Currency: EUR}", "Price: ", "expected Currency, such as EUR, and PerSegment"),
        ("{Currency: eur, PerSegment: {default: 1}}", "Price.Currency: ", "expected three capital"),
        (
            '{Currency: EUR, PerSegment: {"49": 1}}',
            "Price.PerSegment: ",
            "expected an amount for def",
        ),
        (
            "{Currency: EUR, PerSegment: {default: -1}}",
            "PerSegment.default: ",
            "expected an amount",
        ),
        (
            "{Currency: EUR, PerSegment: {default: 1e-7}}",
            "PerSegment.default: ",
            "expected an amount",
        ),
        (
            "{Currency: EUR, PerSegment: {default: .nan}}",
            "PerSegment.default: ",
            "expected an amount",
        ),
        (
            "{Currency: EUR, PerSegment: {default: dear}}",
            "PerSegment.default: ",
            "expected an amount",
        ),
        (
            "{Currency: EUR, PerSegment: {default: true}}",
            "PerSegment.default: ",
            "expected an amount",
        ),
        (
            '{Currency: EUR, PerSegment: {default: 1, "+49": 1}}',
            "PerSegment.+49: ",
            "expected a prefix of 1 to 15",
        ),
        (
            "{Currency: EUR, PerSegment: {default: 1, 012: 1}}",
            "PerSegment: ",
            "expected prefixes in quotes",
        ),
        (
            '{Currency: EUR, PerSegment: {default: "1_0"}}',
            "PerSegment.default: ",
            "expected an amount",
        ),
        (
            "{Currency: EUR, PerSegment: {default: -0.0}}",
            "PerSegment.default: ",
            "expected an amount",
        ),
    ],
)
def test_what_is_no_price_is_refused(tmp_path: Path, price: str, key: str, expected: str) -> None:
    assert yaml.safe_load(price) is not None
    with pytest.raises(SettingsError) as error:
        loaded(tmp_path, price)
    assert key in str(error.value)
    assert expected in str(error.value)
