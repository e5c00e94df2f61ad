"""Routes in the configuration: what they mean, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from campaign_common.errors import SettingsError
from campaign_common.settings import Settings, load_settings
from campaign_common.settings.fields.prefixes import NO_PREFIX, NOT_QUOTED
from tests.support.sample import SAMPLE

PROVIDERS = {"a": {"Kind": "simulated"}, "b": {"Kind": "simulated"}}
PAIR: dict[str, Any] = {
    "Choose": [{"Provider": "a", "Weight": 70}, {"Provider": "b", "Weight": 30}],
    "Failover": ["b", "a"],
}


def load(tmp_path: Path, routes: object, **more: object) -> Settings:
    path = tmp_path / "campmgr.yaml"
    document = {"Providers": PROVIDERS, "Routes": routes, **more}
    path.write_text(SAMPLE + yaml.safe_dump(document))
    return load_settings(path, {})


def test_a_route_has_weights_failover_and_prefixes(tmp_path: Path) -> None:
    routes = {
        "main": {**PAIR, "Prefixes": {"49": "german"}},
        "german": {"Choose": [{"Provider": "b"}]},
    }
    settings = load(tmp_path, routes, Provider="main")
    found = settings.routes.of("main", "33123")
    assert (found.choose, found.failover) == ((("a", 70), ("b", 30)), ("b", "a"))
    assert settings.routes.of("main", "49123").providers == ("b",)
    assert "main" in settings.routes
    assert "a" not in settings.routes


@pytest.mark.parametrize(
    ("routes", "path", "expected"),
    [
        ({"a": PAIR}, "Routes.a", "expected a name that no provider has"),
        ({"simulated": PAIR}, "Routes.simulated", "expected a name that no provider has"),
        ({"http": PAIR}, "Routes.http", "expected a name that no provider has"),
        ({"m": {"Choose": []}}, "Routes.m.Choose", "expected one provider at least"),
        ({"m": {**PAIR, "Failover": ["c"]}}, "Routes.m.Failover", "expected a, b, simulated"),
        ({"m": {"Choose": [{"Provider": "m"}]}}, "Routes.m.Choose", "expected a, b, simulated"),
        ({"m": {**PAIR, "Failover": ["a", "a"]}}, "Routes.m", "expected each provider once"),
        ({"m": {**PAIR, "Prefixes": {"49": "m"}}}, "Routes.m.Prefixes", "expected a, b, simulated"),
        ({"m": {**PAIR, "Prefixes": {"+49": "b"}}}, "Routes.m.Prefixes.+49", NO_PREFIX),
        ({"m": {**PAIR, "Prefixes": {"043": "b"}}}, "Routes.m.Prefixes.043", NO_PREFIX),
        ({"m": {**PAIR, "Prefixes": {49: "b"}}}, "Routes.m.Prefixes", NOT_QUOTED),
        ({"m": {**PAIR, "Prefixes": {None: "b"}}}, "Routes.m.Prefixes", NOT_QUOTED),
        (
            {"m": {"Choose": [{"Provider": "a", "Weight": 0}]}},
            "Routes.m.Choose.0.Weight",
            "expected an integer from 1 to 1000000",
        ),
    ],
    ids=[
        "a provider's name",
        "simulated",
        "http, though it is not there",
        "nothing to choose",
        "unknown failover",
        "a route as a choice",
        "twice",
        "prefixes of prefixes",
        "a prefix with a sign",
        "a prefix with a zero before",
        "a number as a prefix",
        "nothing as a prefix",
        "no weight",
    ],
)
def test_what_makes_no_sense_is_refused(
    tmp_path: Path, routes: object, path: str, expected: str
) -> None:
    with pytest.raises(SettingsError) as error:
        load(tmp_path, routes)
    _, _, refusal = str(error.value).partition("campmgr.yaml: ")
    assert refusal.startswith(f"{path}: ")
    assert expected in refusal


def test_after_doubt_needs_a_delivery_that_repeats(tmp_path: Path) -> None:
    routes = {"main": {**PAIR, "AfterDoubt": True}, "other": PAIR}
    settings = load(tmp_path, routes)
    assert settings.routes.of("main", "331").after_doubt
    assert not settings.routes.of("other", "331").after_doubt
    with pytest.raises(SettingsError) as error:
        load(tmp_path, routes, Delivery="at_most_once")
    expected = "campmgr.yaml: Routes.main.AfterDoubt: True: expected false: with Delivery"
    assert expected in str(error.value)
    assert load(tmp_path, {"main": PAIR}, Delivery="at_most_once").routes


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_after_doubt_is_true_or_false(tmp_path: Path, value: object) -> None:
    with pytest.raises(SettingsError, match=r"Routes\.main\.AfterDoubt: .*: expected true"):
        load(tmp_path, {"main": {**PAIR, "AfterDoubt": value}})


def test_a_route_is_described_by_its_keys(tmp_path: Path) -> None:
    routes = {"main": {**PAIR, "Prefixes": {"49": "b"}}}
    assert load(tmp_path, routes).route_settings["main"].described == {
        "Choose": "a 70, b 30",
        "Failover": "b, a",
        "AfterDoubt": "false",
        "Prefixes": "49: b",
    }


def test_an_unknown_default_is_refused_with_the_names_of_routes(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"expected one of .*main"):
        load(tmp_path, {"main": PAIR}, Provider="other")


@pytest.mark.parametrize("key", ["043", "4_9", "1:30", "0b11", "049", "49"])
def test_prefixes_stand_in_quotes(tmp_path: Path, key: str) -> None:
    """YAML reads some of them as other numbers than are written."""
    path = tmp_path / "campmgr.yaml"
    routes = f"Routes: {{m: {{Choose: [{{Provider: simulated}}], Prefixes: {{{key}: simulated}}}}}}"
    path.write_text(f"{SAMPLE}{routes}\n")
    with pytest.raises(SettingsError, match=r"expected prefixes in quotes|does not begin with 0"):
        load_settings(path, {})


def test_a_prefix_stands_once(tmp_path: Path) -> None:
    path = tmp_path / "campmgr.yaml"
    prefixes = '{"49": simulated, "49": simulated}'
    path.write_text(f"{SAMPLE}Routes: {{m: {{Choose: [], Prefixes: {prefixes}}}}}\n")
    with pytest.raises(SettingsError, match="49"):
        load_settings(path, {})
