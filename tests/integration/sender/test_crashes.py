"""Real sender processes killed, stopped and resumed in the middle of their sends."""

import signal

from campaign_common.domain.campaign import CampaignState, Delivery
from campaign_common.domain.message import Status
from local_stack.ports import free_port
from tests.integration.sender.world import World
from tests.support.scraping import Scrape
from tests.support.services.processes import kill
from tests.support.waiting import wait_until

RECIPIENTS = 6_000
IN_FLIGHT = 500
SLOW = {"Latency": {"Distribution": "uniform", "Mean": "200ms", "Spread": "150ms"}}
HELD = {"InFlight": IN_FLIGHT, "BatchSize": 250}


def recorded(world: World) -> int:
    return sum(world.counts().values())


def claims_lost(port: int) -> tuple[float, float]:
    """As suspects, and as unknown."""
    told = Scrape.of(port)
    return (
        told.value("campaign_claims_lost_total", {"settled": "possibly_sent"}),
        told.value("campaign_claims_lost_total", {"settled": "unknown"}),
    )


def test_killed_sender_loses_nothing(world: World) -> None:
    world.configure(Simulated=SLOW, Sender=HELD)
    world.add_campaign(RECIPIENTS)
    world.publish(range(1, RECIPIENTS + 1))
    with world.sender() as first:
        wait_until(lambda: recorded(world) > RECIPIENTS // 4 and world.claimed() > 0)
        kill(first)
    claimed = world.claimed()
    assert claimed > 0
    port = free_port()
    world.configure(Simulated={}, Host="127.0.0.1", MetricsPort=port)
    with world.sender():
        wait_until(lambda: world.counts() == {Status.SENT: RECIPIENTS})
        assert claims_lost(port) == (world.suspects(), 0)
    assert world.ledger() == {Status.SENT: RECIPIENTS}
    assert 0 < world.suspects() <= IN_FLIGHT


def test_a_killed_sender_causes_no_second_send_at_most_once(world: World) -> None:
    world.configure(Simulated=SLOW, Sender=HELD)
    world.add_campaign(RECIPIENTS, Delivery.AT_MOST_ONCE)
    world.publish(range(1, RECIPIENTS + 1))
    with world.sender() as first:
        wait_until(lambda: recorded(world) > RECIPIENTS // 4 and world.claimed() > 0)
        kill(first)
    port = free_port()
    world.configure(Simulated={}, Host="127.0.0.1", MetricsPort=port)
    with world.sender():
        wait_until(lambda: recorded(world) == RECIPIENTS)
        assert claims_lost(port) == (0, world.counts()[Status.UNKNOWN])
    counts = world.counts()
    assert counts == world.ledger()
    assert 0 < counts[Status.UNKNOWN] <= IN_FLIGHT
    assert counts[Status.SENT] + counts[Status.UNKNOWN] == RECIPIENTS
    assert world.suspects() == 0


def test_an_orderly_stop_leaves_no_doubt(world: World) -> None:
    world.configure(Simulated=SLOW, Sender=HELD)
    world.add_campaign(RECIPIENTS)
    world.publish(range(1, RECIPIENTS + 1))
    with world.sender() as first:
        wait_until(lambda: recorded(world) > RECIPIENTS // 4 and world.claimed() > 0)
        first.terminate()
        assert first.wait(15) == 0
    assert world.claimed() == 0
    assert recorded(world) < RECIPIENTS
    world.configure(Simulated={})
    with world.sender():
        wait_until(lambda: world.counts() == {Status.SENT: RECIPIENTS})
    assert world.suspects() == 0


def test_senders_that_come_and_go_cause_no_doubt(world: World) -> None:
    world.configure(Simulated=SLOW, Sender=HELD)
    world.add_campaign(RECIPIENTS)
    world.publish(range(1, RECIPIENTS + 1))
    with world.sender():
        wait_until(lambda: recorded(world) > 0)
        with world.sender(), world.sender():
            wait_until(lambda: recorded(world) > RECIPIENTS // 2)
        wait_until(lambda: world.counts() == {Status.SENT: RECIPIENTS})
    assert world.ledger() == {Status.SENT: RECIPIENTS}
    assert world.suspects() == 0


def test_a_sender_that_wakes_up_records_nothing(world: World) -> None:
    """A stopped sender that wakes up records nothing of its old shards."""
    world.configure(Simulated=SLOW, Sender=HELD)
    world.add_campaign(RECIPIENTS)
    world.publish(range(1, RECIPIENTS + 1))
    with world.sender() as zombie:
        wait_until(lambda: recorded(world) > RECIPIENTS // 4 and world.claimed() > 0)
        zombie.send_signal(signal.SIGSTOP)
        before = world.epochs()
        with world.sender():
            wait_until(lambda: all(world.epochs()[n] > epoch for n, epoch in before.items()))
            world.set_state(CampaignState.PAUSED, epoch=2)
            paused_at = world.counts()
            zombie.send_signal(signal.SIGCONT)
            wait_until(lambda: world.claimed() == 0)
            wait_until(lambda: world.rows("SELECT COUNT(*) FROM late_results") > ((0,),))
            assert sum(world.counts().values()) - sum(paused_at.values()) <= IN_FLIGHT
            world.set_state(CampaignState.RUNNING, epoch=3)
            world.publish(range(1, RECIPIENTS + 1), epoch=3)
            wait_until(lambda: world.counts() == {Status.SENT: RECIPIENTS})
    assert world.ledger() == {Status.SENT: RECIPIENTS}
