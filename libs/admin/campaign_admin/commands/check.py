"""campaign-db check: recounts every campaign's messages, and compares."""

import sys
from collections.abc import Iterator

import click

from campaign_admin.maintenance.consistency import disagreements
from campaign_common.database import Database, Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.runtime.command_line import (
    EXIT_FAILURE,
    configuration_option,
    one_line_failures,
    settings_or_exit,
)
from campaign_common.store.maintenance.consistency import (
    StartedCampaign,
    named_campaigns,
    started_campaigns,
)

PAGE = 100


@click.command("check")
@configuration_option
@click.option(
    "--campaign", "campaign_ids", type=int, multiple=True, help="Only this one; may be repeated."
)
@click.pass_context
def check(context: click.Context, campaign_ids: tuple[CampaignId, ...]) -> None:
    """Compare ledger, counters, retries and lists of all started campaigns; change nothing.

    Reads every ledger row once, and may be run while services work. Exit code 1 when something
    does not agree.
    """
    databases = Databases.configured(settings_or_exit(context))
    campaigns = wrong = 0
    with one_line_failures("campaign-db check"):
        for campaign in _campaigns(databases.main, campaign_ids):
            campaigns += 1
            found = list(disagreements(databases, campaign))
            wrong += bool(found)
            for said in found:
                click.echo(f"campaign {campaign.id}: {said}")
    if wrong:
        click.echo(f"{wrong} of {campaigns} campaigns do not agree with themselves")
        sys.exit(EXIT_FAILURE)
    click.echo(f"{campaigns} campaigns: ledger, counters, retries and lists agree")


def _campaigns(
    database: Database, campaign_ids: tuple[CampaignId, ...]
) -> Iterator[StartedCampaign]:
    if campaign_ids:
        with database.reading() as cursor:
            yield from named_campaigns(cursor, campaign_ids)
        return
    after_id = 0
    while True:
        with database.reading() as cursor:
            page = started_campaigns(cursor, after_id=after_id, limit=PAGE)
        yield from page
        if len(page) < PAGE:
            return
        after_id = page[-1].id
