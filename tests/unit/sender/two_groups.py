"""Shard groups of two database servers, with a message in each."""

from collections.abc import Sequence
from typing import cast

from campaign_common.database import ShardServer
from campaign_common.database.by_server import ByServer
from campaign_providers.contract import SendStatus
from campaign_sender.admission.batch_admitter import BatchAdmitter
from campaign_sender.delivery.send_guard import SendGuard
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.message import Message
from campaign_sender.ownership.shard_groups import ShardGroup, ShardGroups
from campaign_sender.recording.recorder import Recorder
from campaign_sender.recording.shard_commands import ShardCommands
from tests.unit.sender.messages import message, owned_shard

HOLDERS = {1: 1}


class FixedGuard:
    def __init__(self, status: SendStatus | None) -> None:
        self.status = status

    def check_before_send(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        return [self.status] * len(messages)

    def version_of(self, _: int) -> None:
        return None


def shard_group(guard: FixedGuard) -> ShardGroup:
    return ShardGroup(
        cast("ShardServer", None),
        InFlightBuffer(in_flight=10, batch_size=10),
        cast("SendGuard", guard),
        cast("BatchAdmitter", None),
        cast("Recorder", None),
        cast("ShardCommands", None),
    )


class TwoGroups:
    """Shard 0 on the main server, shard 1 on the second; one message of each is held."""

    def __init__(self) -> None:
        both = shard_group(FixedGuard(None)), shard_group(FixedGuard(SendStatus.DEFERRED))
        self.groups = ShardGroups(ByServer(both, HOLDERS))
        self.main, self.second = (group.buffer for group in both)
        self.main.add_shard(owned_shard(0))
        self.second.add_shard(owned_shard(1))
        self.first, self.other = message(1), message(2, shard=1, partition=1)
        self.main.admit([self.first], [], [])
        self.second.admit([self.other], [], [])

    def claim_all(self) -> None:
        for buffer in (self.main, self.second):
            buffer.apply_commit([], buffer.take_batch().claims)
