"""Declarations of configuration keys, and the schemas derived from them."""

from collections.abc import Iterator, Mapping

import pytest
from marshmallow import ValidationError

from campaign_common.settings.declaration import (
    Conflict,
    Section,
    SectionMap,
    key,
    schema_of,
    section_class,
)
from campaign_common.settings.fields.http import HeaderValue
from campaign_common.settings.fields.plain import Duration, Int


@section_class
class Pace:
    fastest: float = key("Fastest", Duration("10ms", "1m"), default="250ms")
    slowest: float = key("Slowest", Duration("10ms", "1m"), default="1s")

    def conflicts(self) -> Iterator[Conflict]:
        if self.fastest > self.slowest:
            yield ("Fastest",), "expected at most Slowest"
            yield (), "expected an order"


@section_class
class Machine:
    number: int = key("Number", Int(1, 9))
    pace: Pace = key("Pace", Section(Pace), default={})
    changed: Mapping[str, float] = key("Changed", SectionMap(Pace), default={})
    secret: str | None = key("Secret", HeaderValue(), default=None)
    note: str = ""


def load(**keys: object) -> Machine:
    loaded = schema_of(Machine)().load(keys)
    assert isinstance(loaded, Machine)
    return loaded


def refusal(**keys: object) -> object:
    with pytest.raises(ValidationError) as error:
        load(**keys)
    return error.value.messages


def test_a_default_is_written_as_in_a_file() -> None:
    assert load(Number=1) == Machine(number=1)
    assert Machine(number=1).pace == Pace(fastest=0.25, slowest=1.0)


def test_a_default_out_of_bounds_is_refused_where_it_is_declared() -> None:
    with pytest.raises(ValidationError, match="expected an integer from 1 to 9"):
        key("Number", Int(1, 9), default=10)


def test_a_key_without_default_is_required() -> None:
    expected = "the key is missing; expected an integer from 1 to 9"
    assert refusal() == {"Number": [expected]}


def test_an_attribute_that_declares_no_key_is_unknown_in_a_file() -> None:
    assert refusal(Number=1, note="x") == {"note": ["unknown key"]}


def test_conflicts_are_named_by_their_paths() -> None:
    expected = {"Fastest": ["expected at most Slowest"], "_schema": ["expected an order"]}
    assert refusal(Number=1, Pace={"Fastest": "2s"}) == {"Pace": expected}


def test_a_section_map_holds_what_differs_from_the_defaults() -> None:
    assert load(Number=1, Changed={"Fastest": "1s", "Slowest": "1s"}).changed == {"Fastest": 1.0}


def test_a_secret_is_not_shown() -> None:
    assert "hidden" not in repr(load(Number=1, Secret="Bearer hidden"))
