"""Windows of idempotency keys: until when a provider knows the key of a message in doubt.

A provider that forgets keys after a time (`Idempotent: {For: 24h}`) counts from the first use of a
key. That was not before the moment that is noted with each claim and with each message that waits:
when the database was asked at the admission before the first send of the generation. Times are
those of the shard's database server, and grow with every rest and wait (protocol rule 3).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import NamedTuple

from campaign_common.database import Database, Proof
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import LedgerEntry, MessageKey
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_common.store.messages.first_sends import FirstSend, read_first_sends
from campaign_sender.message import Message


class KeyUse(NamedTuple):
    """First use of a key, as far as it is known."""

    sent_after: int
    """The key was not used before this moment; 0: it is not known."""
    age: float
    """Seconds since the first use, or more; infinite where nothing is known."""


class KeyWindows:
    """Times until which the providers of messages in doubt know their keys.

    `database`: the server of the shards. `window_of`: returns the seconds for which the provider of
    a message knows its key, 0 and infinity among them.
    """

    def __init__(self, database: Database, window_of: Callable[[Message], float]) -> None:
        self._database = database
        self._window_of = window_of

    def note(
        self,
        messages: Sequence[Message],
        versions: Mapping[CampaignId, CampaignVersion],
        entries: Mapping[MessageKey, LedgerEntry],
        began_at: float,
    ) -> None:
        """Set `key_known_until` and `sent_after` of messages whose provider is chosen.

        `began_at`: boot time before `versions` were read.

        Raises:
            RetryLater: the database is down.
        """
        places: dict[tuple[int, CampaignId], list[Message]] = defaultdict(list)
        for message in messages:
            if message.in_doubt and 0 < self._window_of(message) < inf:
                places[message.record.shard, message.key.campaign_id].append(message)
        if not places:
            return
        with self._database.reading(proof=Proof.NOW) as cursor:
            for (shard, campaign_id), doubted in places.items():
                seqs = [message.key.seq for message in doubted]
                found = read_first_sends(cursor, shard, campaign_id, seqs)
                running = versions[campaign_id].running
                for message in doubted:
                    noted = found.get((message.key.seq, message.record.generation), ())
                    use = first_use(noted, entries.get(message.key), running)
                    message.sent_after = use.sent_after
                    message.key_known_until = began_at + self._window_of(message) - use.age


def first_use(noted: Sequence[FirstSend], entry: LedgerEntry | None, running: float) -> KeyUse:
    """Return the first use of the key of a message in doubt, or what is certainly not later.

    `running`: seconds since the start of the campaign, which stand for what is not noted: a claim
    that a sender of 0.2.0 has made or settled, and the tries that one has recorded. A message whose
    ledger row has neither a doubt nor an attempt was not sent by such a sender, but for sends that
    were throttled, which are none that were taken. A time of the future shows that the clock of
    the server was set back: nothing is known then.
    """
    ages = [one.age for one in noted if one.sent_after]
    claims = [one for one in noted if one.is_claim]
    was_recorded = entry is not None and bool(entry.in_doubt or entry.attempts)
    is_known = all(one.sent_after for one in claims) and bool(ages)
    if was_recorded:
        is_known = is_known and any(one.sent_after and not one.is_claim for one in noted)
    if not is_known:
        ages.append(running)
    if min(ages) < 0:
        return KeyUse(0, inf)
    earliest = min((one.sent_after for one in noted if one.sent_after), default=0)
    return KeyUse(earliest if is_known else 0, max(ages))
