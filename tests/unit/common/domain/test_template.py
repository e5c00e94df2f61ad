import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_common.domain.recipient import trimmed
from campaign_common.domain.template import Template
from campaign_common.errors import TemplateInvalid

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def rendered(text: str, name: str = "Ann", phone: str = "13961467500", **attributes: str) -> str:
    return Template.compile(text).render(name, phone, attributes or None)


def test_columns_are_filled_in() -> None:
    assert rendered("hi {name}, {phone} in {city}", city="Oslo") == "hi Ann, 13961467500 in Oslo"


def test_default_stands_for_a_missing_or_empty_value() -> None:
    assert rendered("hi {name|there}", name="") == "hi there"
    assert rendered("to {city|your town}") == "to your town"
    assert rendered("to {city|your town}", city="") == "to your town"
    assert rendered("to {city|your town}", city="Oslo") == "to Oslo"


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u200b", " \u200e "], ids=ascii)
def test_default_stands_for_a_blank_value(blank: str) -> None:
    """A blank value is none, whenever and by whatever it came."""
    assert (
        rendered("hi {name|friend} of {city|town}", name=blank, city=blank) == "hi friend of town"
    )
    assert rendered("hi{city}!", city=blank) == "hi!"


def test_values_lose_blanks_around_them() -> None:
    """The text around a placeholder has the blanks that a message needs."""
    assert rendered("hi {name}, see {city}.", name=" Ada", city="Bonn ") == "hi Ada, see Bonn."


def test_value_without_default_may_be_missing() -> None:
    assert rendered("to {city}!") == "to !"


def test_doubled_braces_are_braces() -> None:
    assert rendered("{{name}} is {name}, {{{name}}}") == "{name} is Ann, {Ann}"


def test_columns_are_matched_whatever_their_case() -> None:
    assert rendered("{ Name }, {CITY}", city="Oslo") == "Ann, Oslo"


def test_percent_signs_mean_nothing() -> None:
    assert rendered("100% of %s for %(name)s {name}%") == "100% of %s for %(name)s Ann%"


def test_values_are_never_read_as_templates() -> None:
    assert rendered("hi {name}", name="{phone}{{%s") == "hi {phone}{{%s"


@given(TEXT)
def test_any_text_survives_escaping(text: str) -> None:
    escaped = text.replace("{", "{{").replace("}", "}}")
    assert rendered(escaped) == text


@given(TEXT, TEXT)
def test_any_value_is_put_in_unchanged(name: str, city: str) -> None:
    expected = f"{trimmed(name)}|{trimmed(city)}"
    assert rendered("{name}|{city}", name=name, city=city) == expected


@pytest.mark.parametrize(
    ("text", "position"),
    [("a {name", 3), ("a } b", 3), ("{}", 1), ("hi { | x}", 4), ("{na{me}}", 1), ("ab\ud800", 3)],
)
def test_malformed_template_is_refused_with_its_position(text: str, position: int) -> None:
    with pytest.raises(TemplateInvalid, match=f"position {position}"):
        Template.compile(text)


@pytest.mark.parametrize(
    "text",
    [
        "{name.__class__}",
        "{name!r}",
        "{name:>1000000}",
        "{name[0]}",
        "{0}",
        "{__import__('os')}",
        "{phone.__init__.__globals__}",
    ],
)
def test_no_template_reaches_attributes_formats_or_code(text: str) -> None:
    template = Template.compile(text)
    with pytest.raises(TemplateInvalid):
        template.require(["name", "phone"])
    assert template.render("Ann", "13961467500", None) == ""


def test_a_refused_placeholder_comes_with_the_columns() -> None:
    """Unknown placeholders are refused naming the columns that exist."""
    template = Template.compile("{nome} {name} {town|x}")
    with pytest.raises(TemplateInvalid, match=r"\{nome\}, \{town\}.*name, phone, city"):
        template.require(["name", "phone", "city"])


def test_known_placeholders_are_accepted() -> None:
    Template.compile("{Name} {CITY}").require(["name", "phone", "City"])
    assert Template.compile("{Name} {CITY}").placeholders == {"name", "city"}
