"""The content of a campaign in its columns, and what 0.2.0 makes of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign_common.domain.content.campaign_content import (
    CampaignContent,
    TemplateContent,
    TextContent,
)
from campaign_common.domain.message_record import CONTENT_VERSION
from campaign_common.store.core.contents import (
    GUARD,
    LINKS_GUARD,
    content_from,
    stored_content,
)
from tests.support.services.previous_version import NEIGHBOUR, PreviousVersion

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
CONTENTS = st.one_of(
    st.builds(TextContent, TEXT),
    st.builds(TemplateContent, TEXT, TEXT, st.lists(TEXT).map(tuple)),
)

AS_0_2_0 = """
import sys, json
from campaign_common.domain.message_record import decode
from campaign_common.domain.partition_map import MapState, PartitionMap
from campaign_common.domain.template import Template
from campaign_common.store.campaigns.leases import DueCampaign, Lease
from campaign_scheduler.jobs.start_campaigns import start_obstacle
from campaign_scheduler.publishing.record_builder import RecordBuilder
guard = json.load(sys.stdin)
due = DueCampaign(1, 0, guard, 1, None, "ready", '["city"]', 2, 2)
lease = Lease(1, 1, 1, guard, 1, 4, 2, 2, 0, 0)
taken_over = PartitionMap("t", "id", 1, 4, MapState.ACTIVE, {})
builder = RecordBuilder(lease, Template.compile(guard), taken_over)
rows = [(1, "13961467500", "Ann", '{"city": "Ulm"}'), (2, "13961467501", "", None)]
chunk = builder.build_chunk(rows, set(), set())
records = [decode(one["value"]) for group in chunk.groups.values() for one in group]
json.dump([start_obstacle(due), [(r.body, r.undeliverable) for r in records]], sys.stdout)
"""


@settings(deadline=None)
@given(CONTENTS, st.none() | TEXT)
def test_what_is_stored_is_read_as_it_was(
    content: TextContent | TemplateContent, originator: str | None
) -> None:
    campaign = CampaignContent(content, originator)
    template, column = stored_content(campaign)
    assert content_from(template, column) == campaign
    assert len(template.encode()) < 65_536 or template == getattr(content, "template", None)


def test_a_plain_text_is_stored_as_in_0_2_0() -> None:
    assert stored_content(CampaignContent(TextContent("hi {name}"))) == ("hi {name}", None)


def test_a_template_that_0_2_0_has_written_since_counts() -> None:
    _, column = stored_content(CampaignContent(TextContent("hi {name}"), "Shop"))
    assert content_from("bye {name}", column) == CampaignContent(TextContent("bye {name}"))


@pytest.mark.parametrize(
    ("guard", "named"),
    [
        pytest.param(GUARD, "{this campaign needs version 0.3.0}", id="content"),
        pytest.param(LINKS_GUARD, "{this campaign needs version 0.3.0 with links}", id="links"),
    ],
)
def test_a_scheduler_of_0_2_0_sends_none_of_it(tmp_path: Path, guard: str, named: str) -> None:
    """It does not start the campaign, and of one that it takes over no message can be delivered."""
    previous = PreviousVersion(tmp_path, NEIGHBOUR)
    answered = subprocess.run(
        [sys.executable, "-c", AS_0_2_0],
        input=json.dumps(guard),
        capture_output=True,
        text=True,
        check=True,
        env=previous.environment,
    )
    obstacle, records = json.loads(answered.stdout)
    assert f"names {named}; the columns are name, phone" in obstacle
    assert records == [["", "message is too large"]] * 2


@pytest.mark.parametrize("flag", ["takes_route", "has_rate", "has_budget"])
def test_what_0_2_0_does_not_know_is_none_of_its_campaigns(flag: str) -> None:
    campaign = CampaignContent(TextContent("hi {name}"))._replace(**{flag: True})
    template, column = stored_content(campaign)
    assert template == GUARD
    assert content_from(template, column) == campaign
    assert campaign.wire_version == CONTENT_VERSION
    assert getattr(content_from("written by 0.2.0", column), flag)


def test_links_stay_with_the_content_that_has_them() -> None:
    """A template that 0.2.0 has written names columns of the list alone.

    Builds before 0.3.0 take the column where they find `GUARD`, and know no links in it.
    """
    campaign = CampaignContent(TextContent("{unsubscribe_url}"), link_base_url="https://c.example")
    template, column = stored_content(campaign)
    assert template == LINKS_GUARD
    assert content_from(GUARD, column) == campaign
    assert content_from(template, column) == campaign
    assert campaign.wire_version == CONTENT_VERSION
    assert content_from("{unsubscribe_url}", column).link_base_url is None
