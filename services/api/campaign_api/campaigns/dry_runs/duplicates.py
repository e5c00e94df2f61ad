"""Recipients of a list who were sent a message by another recent campaign."""

from collections import defaultdict
from collections.abc import Sequence

from campaign_common.database import Cursor, Cursors
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.recipient import ListId
from campaign_common.domain.shard import shard_of
from campaign_common.store.campaigns.dry_runs import RecentCampaign, also_listed, recent_campaigns
from campaign_common.store.campaigns.fanout import RecipientRow
from campaign_common.store.messages.ledger import look_up_sent

DAYS = 7
"""Days since its start for which a campaign is recent."""

MOST_CAMPAIGNS = 1_000
"""Recent campaigns that are compared, the newest ones."""


class RecentRecipients:
    """Comparison of slices of one list with the messages of recent campaigns."""

    def __init__(self, list_id: ListId, recent: Sequence[RecentCampaign]) -> None:
        self._list_id = list_id
        self._recent = recent
        self._other_lists = {campaign.list_id for campaign in recent} - {list_id}

    @classmethod
    def read(cls, cursor: Cursor, list_id: ListId, campaign_id: CampaignId) -> "RecentRecipients":
        """Read the recent campaigns, without `campaign_id` itself."""
        recent = recent_campaigns(cursor, days=DAYS, but=campaign_id, limit=MOST_CAMPAIGNS)
        return cls(list_id, recent)

    def count(self, cursors: Cursors, rows: Sequence[RecipientRow]) -> int:
        """Count the recipients in consecutive `rows` of the list who were sent a message."""
        phones = {row[0]: row[1] for row in rows}
        numbers: dict[int, dict[int, int]] = defaultdict(dict)
        numbers[self._list_id] = {seq: seq for seq in phones}
        for listed in also_listed(
            cursors.main, self._list_id, rows[0][0], rows[-1][0], self._other_lists
        ):
            numbers[listed.list_id][listed.seq] = listed.own_seq
        undecided = set(phones)
        for campaign in self._recent:
            own = numbers[campaign.list_id]
            by_shard: dict[int, list[int]] = defaultdict(list)
            for seq, own_seq in own.items():
                if own_seq in undecided:
                    by_shard[shard_of(phones[own_seq], campaign.shards)].append(seq)
            sent: set[int] = set()
            for cursor, shards in cursors.holding(by_shard):
                wanted = {shard: by_shard[shard] for shard in shards}
                sent |= look_up_sent(cursor, campaign.campaign_id, wanted)
            undecided -= {own[seq] for seq in sent if seq in own}
        return len(phones) - len(undecided)
