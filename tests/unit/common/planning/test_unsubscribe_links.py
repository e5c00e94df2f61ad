"""The placeholder of the link to unsubscribe, beside the columns of a list."""

from dataclasses import replace

import pytest

from campaign_common.domain.content.campaign_content import (
    CompiledContent,
    Content,
    TemplateContent,
    TextContent,
)
from campaign_common.dsn import parse_dsn
from campaign_common.errors import TemplateInvalid
from campaign_common.planning.unsubscribe_links import require_columns
from campaign_common.settings import (
    CallbacksSettings,
    MysqlSettings,
    ReferenceSecretSettings,
    SendClientSettings,
    Settings,
    SyncClientSettings,
)

BASE = "https://c.example"
WITHOUT = Settings(
    mysql=MysqlSettings(dsn=parse_dsn("user:password@tcp(db:3306)/campaigns")),
    sync_client=SyncClientSettings(brokers=("unused:9092",)),
    send_client=SendClientSettings(brokers=("unused:9092",)),
)
SECRETS = (ReferenceSecretSettings(value="a secret of references"),)
WITH = replace(WITHOUT, callbacks=CallbacksSettings(base_url=BASE, secrets=SECRETS))
TEXT = TextContent("{name} stop: { Unsubscribe_URL }")
PARTS = TemplateContent("news", "de", ("{name}", "{unsubscribe_url|none}"))


@pytest.mark.parametrize("content", [TEXT, PARTS], ids=["text", "template"])
@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param(["phone", "name"], BASE, id="link"),
        pytest.param(["phone", "name", "unsubscribe_url"], None, id="column"),
        pytest.param(["phone", "name", " Unsubscribe_Url"], None, id="column as written"),
    ],
)
def test_a_column_goes_before_the_link(
    content: Content, columns: list[str], expected: str | None
) -> None:
    assert require_columns(WITH, CompiledContent(content), columns) == expected


def test_a_content_without_the_placeholder_has_no_link() -> None:
    assert require_columns(WITH, CompiledContent(TextContent("hi {name}")), ["name"]) is None


@pytest.mark.parametrize(
    ("content", "subject"),
    [
        pytest.param(TEXT, "message_template", id="text"),
        pytest.param(PARTS, "content.parts", id="template"),
    ],
)
def test_without_a_url_it_is_refused_with_what_is_missing(content: Content, subject: str) -> None:
    with pytest.raises(TemplateInvalid, match=r"Callbacks\.BaseUrl and Callbacks\.Secrets") as info:
        require_columns(WITHOUT, CompiledContent(content), ["phone", "name"])
    assert info.value.subject == subject
    assert require_columns(WITHOUT, CompiledContent(content), ["name", "unsubscribe_url"]) is None


def test_other_unknown_placeholders_are_named() -> None:
    with pytest.raises(TemplateInvalid, match=r"names \{nme\}; the columns are"):
        require_columns(WITH, CompiledContent(TextContent("{nme} {unsubscribe_url}")), ["name"])
