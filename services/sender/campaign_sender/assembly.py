"""The parts of a sender that exist once for each database server, put together."""

from typing import NamedTuple

from campaign_common.database import Databases, ShardServer
from campaign_common.per_server import PerServer
from campaign_common.settings import Settings
from campaign_sender.delivery import Delivery
from campaign_sender.desk import Desk
from campaign_sender.desks import Desks, Lookouts
from campaign_sender.gate import Gate
from campaign_sender.intake import Intake
from campaign_sender.lanes import Lane, Lanes
from campaign_sender.lookout import Lookout
from campaign_sender.recorder import Recorder
from campaign_sender.requests import Requests
from campaign_sender.tracing import BatchTraces


class Place(NamedTuple):
    """Where messages of one server's shards lie, and what is known of their campaigns."""

    server: ShardServer
    desk: Desk
    lookout: Lookout


def places_on(databases: Databases, settings: Settings) -> PerServer[Place]:
    """Make a desk and a lookout for each server; `Sender.InFlight` holds for each."""

    def place_on(server: ShardServer) -> Place:
        desk = Desk(in_flight=settings.sender.in_flight, batch_size=settings.sender.batch_size)
        return Place(server, desk, Lookout(server, settings.sync_client.topic, desk))

    return databases.shard_servers().each(place_on)


def delivery_for(places: PerServer[Place]) -> Delivery:
    """Make what hands messages to providers; of one place only, it need not look for it."""
    if len(places.all) == 1:
        return Delivery(places.main.desk, places.main.lookout)
    return Delivery(
        Desks(places.each(lambda place: place.desk)),
        Lookouts(places.each(lambda place: place.lookout)),
    )


def lanes_over(
    places: PerServer[Place], delivery: Delivery, settings: Settings, traces: BatchTraces | None
) -> Lanes:
    """Give each server a recorder, which carries out orders to its shards too."""

    def lane_over(place: Place) -> Lane:
        server, desk, lookout = place
        requests = Requests(server, desk)
        recorder = Recorder(server.own, desk, delivery, lookout, requests, settings.retry, traces)
        return Lane(server, desk, lookout, recorder, requests)

    return Lanes(places.each(lane_over))


def intakes_for(
    places: PerServer[Place], settings: Settings, traces: BatchTraces | None
) -> PerServer[Intake]:
    """Give each server an intake."""
    topic = settings.sync_client.topic
    return places.each(lambda place: Intake(place.server, topic, place.desk, place.lookout, traces))


def gates_before(lanes: Lanes, intakes: PerServer[Intake]) -> list[Gate]:
    """Put a gate before each lane."""
    alone = len(lanes.all) == 1
    return [
        Gate(lane, intake, place, waits=alone)
        for place, (lane, intake) in enumerate(zip(lanes.all, intakes.all, strict=True))
    ]
