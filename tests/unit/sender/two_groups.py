"""In-flight buffers of shards on two database servers, with a message in each."""

from campaign_common.database.by_server import ByServer
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.in_flight.buffers import InFlightBuffers
from tests.unit.sender.messages import message, owned_shard

HOLDERS = {1: 1}


class TwoGroups:
    """Shard 0 on the main server, shard 1 on the second; one message of each is held."""

    def __init__(self) -> None:
        self.main, self.second = (InFlightBuffer(in_flight=10, batch_size=10) for _ in range(2))
        self.buffers = InFlightBuffers(ByServer((self.main, self.second), HOLDERS))
        self.main.add_shard(owned_shard(0))
        self.second.add_shard(owned_shard(1))
        self.first, self.other = message(1), message(2, shard=1, partition=1)
        self.main.admit([self.first], [], [])
        self.second.admit([self.other], [], [])

    def claim_all(self) -> None:
        for buffer in (self.main, self.second):
            buffer.apply_commit([], buffer.take_batch().claims)
