import pytest

from campaign_common.domain.content.campaign_content import (
    ANY_CONTENT,
    TEXT_ONLY,
    CompiledContent,
    ContentSupport,
    Rendered,
    TemplateContent,
    TextContent,
    field_of,
)
from campaign_common.domain.message_record import MessageRecord, MessageTemplate
from campaign_common.errors import TemplateInvalid

ORDER = MessageTemplate("order_1", "de", ("Ann",))


def order(*parts: str) -> TemplateContent:
    return TemplateContent("order_1", "de", parts)


def test_a_text_renders_as_its_template() -> None:
    content = CompiledContent(TextContent("hi {name} in {city|town}"))
    assert content.render("Ann", "13961467500", None) == Rendered("hi Ann in town")
    assert (content.placeholders, content.required) == ({"name", "city"}, {"name"})


def test_each_part_of_a_template_is_rendered() -> None:
    content = CompiledContent(order("{name}", "{city|town}", "20 %"))
    rendered = content.render("Ann", "13961467500", {"city": "Ulm"})
    assert rendered == Rendered("", MessageTemplate("order_1", "de", ("Ann", "Ulm", "20 %")))
    assert (content.placeholders, content.required) == ({"name", "city"}, {"name"})
    assert CompiledContent(order()).render("Ann", "1", None).texts == ()


@pytest.mark.parametrize(
    ("content", "field", "reason"),
    [
        (TextContent("hi {"), "template", "position 4: '{' without its '}'"),
        (order("{name}", "{}"), "content.parts.1", "position 1: the placeholder is empty"),
        (order(*["{name}" * 60] * 2), "content.parts", "has 120 placeholders"),
        (order("{name}", "{town}"), "content.parts.1", "names {town}; the columns are name"),
    ],
    ids=["text", "part", "too-many", "unknown-column"],
)
def test_an_error_names_the_field_that_is_wrong(
    content: TextContent | TemplateContent, field: str, reason: str
) -> None:
    with pytest.raises(TemplateInvalid) as raised:
        CompiledContent(content).require(["name"])
    assert field_of(raised.value) == field
    assert raised.value.reason.startswith(reason)


@pytest.mark.parametrize(
    ("support", "template", "originator", "is_taken"),
    [
        (TEXT_ONLY, None, None, True),
        (TEXT_ONLY, ORDER, None, False),
        (TEXT_ONLY, None, "Shop", False),
        (ANY_CONTENT, ORDER, "Shop", True),
        (ContentSupport(ANY_CONTENT.kinds, originator=False), ORDER, None, True),
        (ContentSupport(ANY_CONTENT.kinds, originator=True, most_parts=1), ORDER, None, True),
        (ContentSupport(ANY_CONTENT.kinds, originator=True, most_parts=0), ORDER, None, False),
    ],
)
def test_a_provider_takes_what_it_supports(
    support: ContentSupport,
    template: MessageTemplate | None,
    originator: str | None,
    is_taken: bool,
) -> None:
    record = MessageRecord(
        2, 1, 1, 0, 1, 1, "13961467500", "", template=template, originator=originator
    )
    assert support.takes(record) is is_taken
