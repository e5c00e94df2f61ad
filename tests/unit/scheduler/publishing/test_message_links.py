"""Links to unsubscribe in the records of a campaign."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign_common.domain.content.campaign_content import (
    CampaignContent,
    CompiledContent,
    Content,
    TemplateContent,
    TextContent,
)
from campaign_common.domain.message_record import CONTENT_VERSION, MessageRecord, decode
from campaign_common.settings import CallbacksSettings, ReferenceSecretSettings
from campaign_common.store.campaigns.leases import Lease
from campaign_common.store.core.contents import stored_content
from campaign_providers.unsubscribe.current_links import LinksUnsigned, UnsubscribeLinks
from campaign_scheduler.publishing.message_links import links_in
from campaign_scheduler.publishing.record_builder import RecordBuilder, TryNumbers
from tests.unit.scheduler.campaigns import a_lease, a_map

BASE = "https://c.example"
OLD = ReferenceSecretSettings(value="the old secret of links")
NEW = ReferenceSecretSettings(value="the new secret of links", from_campaign=8)
BEFORE = UnsubscribeLinks(CallbacksSettings(base_url=BASE, secrets=(OLD,)))
AFTER = UnsubscribeLinks(CallbacksSettings(base_url="https://moved.example", secrets=(NEW, OLD)))
"""The configuration of a scheduler that takes over in the middle of a rotation and of a move."""

TEXT = TextContent("hi {name|you} of {city|here}, stop: {unsubscribe_url}")
PARTS = TemplateContent("news", "de", ("{name|you}", "{unsubscribe_url}", "{unsubscribe_url|no}"))


def lease_of(content: Content, base_url: str | None = BASE) -> Lease:
    template, column = stored_content(CampaignContent(content, link_base_url=base_url))
    return a_lease(template=template, stored_content=column)


def builder(content: Content, links: UnsubscribeLinks | None) -> RecordBuilder:
    lease = lease_of(content)
    return RecordBuilder(lease, CompiledContent(content), a_map(), links_in(lease, links))


def first_try(content: Content, seq: int, attributes: str | None) -> MessageRecord:
    row = (seq, "13961467500", "Ann", attributes)
    (group,) = builder(content, BEFORE).build_chunk([row], set(), set()).groups.values()
    return decode(group[0]["value"])


@pytest.mark.parametrize("content", [TEXT, PARTS], ids=["text", "template"])
@settings(deadline=None)
@given(
    st.integers(1, 2**32 - 1),
    st.sampled_from([None, '{"city": "Ulm"}', '{"unsubscribe_url": ""}']),
    st.integers(0, 65_535),
    st.integers(2, 65_535),
)
def test_every_try_has_the_same_text(
    content: Content, seq: int, attributes: str | None, generation: int, try_number: int
) -> None:
    """Also one that another scheduler publishes, after a rotation of secrets and a move."""
    row = (seq, "13961467500", "Ann", attributes)
    numbers = TryNumbers(generation, try_number, attempts=1)
    again = decode(builder(content, AFTER).build(row, numbers)[1]["value"])
    first = first_try(content, seq, attributes)
    assert (again.body, again.template) == (first.body, first.template)


def test_a_text_and_all_parts_have_the_link_of_their_recipient() -> None:
    link = BEFORE.of_campaign(BASE, 7)(3)
    assert first_try(TEXT, 3, None).body == f"hi Ann of here, stop: {link}"
    template = first_try(PARTS, 3, None).template
    assert template is not None
    assert template.parts == ("Ann", link, link)
    assert link != BEFORE.of_campaign(BASE, 7)(4)


def test_senders_without_suppressions_leave_it_to_others() -> None:
    """A sender of 0.2.0 reads records of version 1; it would not obey what the link promises."""
    assert first_try(TEXT, 3, None).wire_version == CONTENT_VERSION


def test_a_column_of_that_name_is_no_link() -> None:
    content = TextContent("stop: {unsubscribe_url}")
    lease = lease_of(content, None)
    assert links_in(lease, BEFORE) is None
    row = (3, "13961467500", "Ann", '{"unsubscribe_url": "https://own.example/3"}')
    for links in (BEFORE, None):
        built = RecordBuilder(lease, CompiledContent(content), a_map(), links_in(lease, links))
        _, message = built.build(row)
        assert decode(message["value"]).body == "stop: https://own.example/3"


def test_nothing_is_built_where_links_can_not_be_signed() -> None:
    with pytest.raises(LinksUnsigned, match=r"campaign 7 .*Callbacks\.BaseUrl"):
        links_in(lease_of(TEXT), None)
