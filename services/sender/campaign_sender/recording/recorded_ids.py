"""Ids that providers gave messages, recorded where their callbacks carry no reference."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from pymysql.cursors import Cursor

from campaign_common.domain.receipts.identified_receipt import hash_of_id
from campaign_common.domain.shard import Shard
from campaign_common.store.receipts.provider_ids import IdentifiedMessage, insert_provider_ids
from campaign_providers.contract import SendResult
from campaign_sender.message import Message

IdsByShard = Mapping[int, Sequence[IdentifiedMessage]]

NO_IDS: IdsByShard = MappingProxyType({})


class RecordedIds:
    """The ids that are recorded with the outcomes of the messages of some providers.

    Costs a comparison for each transaction where there are none.
    """

    def __init__(self, providers: Collection[str]) -> None:
        self._providers = providers

    def of(self, results: Iterable[SendResult[Message]]) -> IdsByShard:
        """Return the ids in results, by shard."""
        if not self._providers:
            return NO_IDS
        ids: dict[int, list[IdentifiedMessage]] = defaultdict(list)
        for result in results:
            message, message_id = result.message, result.provider_message_id
            if message_id is not None and message.provider in self._providers:
                record = message.record
                ids[record.shard].append(
                    IdentifiedMessage(
                        hash_of_id(message.provider, message_id),
                        Shard(record.shard),
                        record.campaign_id,
                        record.seq,
                        record.generation,
                    )
                )
        return ids

    def insert(self, cursor: Cursor, late: Iterable[SendResult[Message]]) -> None:
        """Note the ids in results that came too late for the ledger."""
        for ids in self.of(late).values():
            insert_provider_ids(cursor, ids)


NO_RECORDED_IDS = RecordedIds(())
