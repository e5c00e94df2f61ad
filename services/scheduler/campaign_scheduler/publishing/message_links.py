"""Links to unsubscribe in the messages of a campaign.

They are made here, where texts are rendered, and stand in the records: all tries of a message have
the same text, and senders need no secret for it.
"""

from campaign_common.domain.content.unsubscribe_link import MakeLink
from campaign_common.store.campaigns.leases import Lease
from campaign_providers.unsubscribe.current_links import LinksUnsigned, UnsubscribeLinks

NO_SIGNED_LINKS = (
    "links to unsubscribe, which need Callbacks.BaseUrl and Callbacks.Secrets in the configuration"
    " of the scheduler"
)


def links_in(lease: Lease, links: UnsubscribeLinks | None) -> MakeLink | None:
    """Return a function that makes the links of a campaign; None: its messages have none.

    Raises:
        LinksUnsigned: they have some, and this scheduler can make none.
    """
    base_url = lease.campaign_content.link_base_url
    if base_url is None:
        return None
    if links is None:
        raise LinksUnsigned(f"campaign {lease.campaign_id} has {NO_SIGNED_LINKS}")
    return links.of_campaign(base_url, lease.campaign_id)


def obstacle_to_links(links: UnsubscribeLinks | None) -> str | None:
    """Return why no links can be made here; None: they can."""
    if links is None:
        return f"there are {NO_SIGNED_LINKS}"
    try:
        links.require()
    except LinksUnsigned as error:
        return str(error)
    return None
