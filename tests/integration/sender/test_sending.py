from collections.abc import Callable
from functools import partial

from campaign_common.domain.campaign import CampaignState, Transition
from campaign_common.domain.message import Status
from campaign_common.schema.migrate import migrate
from campaign_common.store.campaigns.transitions import change_state
from tests.integration.sender.world import CAMPAIGN, SHARDS, World
from tests.support.services.orders import order_retry
from tests.support.waiting import wait_until

RECIPIENTS = 4_000
FEW = 15
"""Not enough failed sends to open the provider's breaker."""


def order(world: World, change: Callable[..., object]) -> None:
    """Change the campaign as the API does."""
    with world.database.transaction() as cursor:
        change(cursor, CAMPAIGN, actor="a person")


def all_sent(world: World, n: int = RECIPIENTS) -> bool:
    return world.counts() == {Status.SENT: n}


def test_every_message_is_recorded_once(world: World) -> None:
    world.add_campaign(RECIPIENTS)
    world.publish(range(1, RECIPIENTS + 1))
    with world.sender() as sender:
        wait_until(lambda: all_sent(world))
        assert world.ledger() == {Status.SENT: RECIPIENTS}
        wait_until(lambda: world.claimed() == 0)
    assert sender.returncode == 0
    assert world.suspects() == 0


def test_the_classic_protocol_records_every_message_once(classic_world: World) -> None:
    """Every message is recorded once with the classic protocol."""
    classic_world.add_campaign(RECIPIENTS)
    classic_world.publish(range(1, RECIPIENTS + 1))
    with classic_world.sender() as first, classic_world.sender() as second:
        wait_until(lambda: all_sent(classic_world))
    assert classic_world.ledger() == {Status.SENT: RECIPIENTS}
    assert (first.returncode, second.returncode) == (0, 0)


def test_a_chunk_published_twice_is_recorded_once(world: World) -> None:
    world.add_campaign(RECIPIENTS)
    with world.sender():
        for _ in range(2):
            world.publish(range(1, RECIPIENTS // 2 + 1))
        wait_until(lambda: all_sent(world, RECIPIENTS // 2))
        world.publish(range(1, RECIPIENTS + 1))
        wait_until(lambda: all_sent(world))
    assert world.ledger() == {Status.SENT: RECIPIENTS}
    assert world.suspects() == 0


def test_records_of_a_pause_are_dropped_and_those_after_sent(world: World) -> None:
    """Records of a paused campaign are dropped and those of its resume sent."""
    world.add_campaign(100)
    world.set_state(CampaignState.PAUSED, epoch=2)
    world.publish(range(1, 101))
    with world.sender():
        wait_until(lambda: world.rows("SELECT SUM(recorded_offset) FROM shard_claims") == ((100,),))
        assert world.ledger() == {}
        world.set_state(CampaignState.RUNNING, epoch=3)
        world.publish(range(1, 101), epoch=3)
        wait_until(lambda: all_sent(world, 100))


def test_invalid_records_are_dead_lettered_and_block_nothing(world: World) -> None:
    world.add_campaign(300)
    world.publish(range(1, 101))
    for partition in range(SHARDS):
        world.publish_raw(b"not a record", "13900000000", partition)
    world.flush()
    world.publish(range(101, 301))
    with world.sender():
        wait_until(lambda: all_sent(world, 300))
    letters = world.dead_letters("list", "--json")
    assert len(letters) == SHARDS
    assert {letter["record"] for letter in letters} == {"not a record"}
    assert {letter["origin_partition"] for letter in letters} == set(range(SHARDS))
    assert all("malformed" in letter["reason"] for letter in letters)


def test_replayed_letters_are_published_again_once(world: World) -> None:
    world.add_campaign(100)
    for partition in range(SHARDS):
        world.publish_raw(b"not a record", "13900000000", partition)
    world.flush()
    world.publish(range(1, 101))
    with world.sender():
        wait_until(lambda: all_sent(world, 100))
        assert world.command("dlq", "replay") == f"{SHARDS} dead letters replayed\n"
        wait_until(lambda: len(world.dead_letters("list", "--all", "--json")) == 2 * SHARDS)
        assert len(world.dead_letters("list", "--json")) == SHARDS


def test_a_sender_that_stops_hands_over_all_that_it_has_finished(world: World) -> None:
    def publish_poison() -> None:
        for partition in range(SHARDS):
            world.publish_raw(b"not a record", "13900000000", partition)
        world.flush()

    world.add_campaign(100)
    with world.sender() as sender:
        world.publish(range(1, 101))
        wait_until(lambda: all_sent(world, 100))
        publish_poison()
        wait_until(lambda: world.dead_letters_held() == SHARDS, interval=0.01)
    assert sender.returncode == 0
    assert world.rows("SELECT SUM(recorded_offset) FROM shard_claims") == ((100 + SHARDS,),)
    with world.sender():
        publish_poison()
        # What was read again would be there before what follows it in its partition.
        wait_until(lambda: len(world.dead_letters("list", "--json")) == 2 * SHARDS)
    assert world.dead_letters_held() == 2 * SHARDS


def test_failures_and_retries_are_recorded_as_the_seed_predicts(world: World) -> None:
    world.configure(
        Simulated={"Seed": 42, "FailureRates": {"permanent": 0.2, "retryable": 0.3}},
        Retry={"BackoffBase": "1h", "BackoffMax": "1h"},
    )
    world.add_campaign(1_000)
    world.publish(range(1, 1_001))
    with world.sender():
        wait_until(lambda: sum(world.counts().values()) == 1_000)
    counts = world.counts()
    assert counts == world.ledger()
    assert counts[Status.FAILED] + counts[Status.WAITING] + counts[Status.SENT] == 1_000
    assert 150 < counts[Status.FAILED] < 250
    assert 250 < counts[Status.WAITING] < 350
    retries = " UNION ALL ".join(
        f"SELECT try_number, attempts FROM message_retries_{n}" for n in range(SHARDS)
    )
    assert world.rows(f"SELECT DISTINCT try_number, attempts FROM ({retries}) r") == ((2, 1),)
    assert world.rows(f"SELECT COUNT(*) FROM ({retries}) r") == ((counts[Status.WAITING],),)


def test_a_second_try_replaces_the_waiting_row(world: World) -> None:
    world.configure(
        Simulated={"FailureRates": {"retryable": 1.0}},
        Retry={"BackoffBase": "1h", "BackoffMax": "1h"},
    )
    world.add_campaign(FEW)
    world.publish(range(1, FEW + 1))
    with world.sender():
        wait_until(lambda: world.counts() == {Status.WAITING: FEW})
        world.publish(range(1, FEW + 1), try_number=3)
        world.publish(range(1, FEW + 1), try_number=2)
        wait_until(lambda: all_sent(world, FEW))
    assert world.ledger() == {Status.SENT: FEW}
    retries = " UNION ALL ".join(f"SELECT seq FROM message_retries_{n}" for n in range(SHARDS))
    assert world.rows(retries) == ()


def test_commands_are_executed_while_no_record_arrives(world: World) -> None:
    world.configure(
        Simulated={"FailureRates": {"retryable": 0.2, "permanent": 0.2}},
        Retry={"BackoffBase": "1h", "BackoffMax": "1h"},
    )
    world.add_campaign(100)
    world.publish(range(1, 101))
    with world.sender():
        wait_until(lambda: sum(world.counts().values()) == 100 and world.claimed() == 0)
        before = world.counts()
        order(world, partial(order_retry, statuses=[Status.FAILED]))
        waiting = before[Status.WAITING] + before[Status.FAILED]
        wait_until(lambda: world.counts().get(Status.WAITING) == waiting)
        order(world, partial(change_state, transition=Transition.CANCEL))
        wait_until(lambda: world.rows("SELECT COUNT(*) FROM shard_commands") == ((0,),))
    assert before[Status.FAILED] > 0
    assert world.counts() == {
        Status.SENT: before[Status.SENT],
        Status.CANCELLED: 100 - before[Status.SENT],
    }
    assert world.ledger() == world.counts()


def test_what_retention_deleted_counts_as_passed(world: World) -> None:
    world.add_campaign(400)
    with world.sender():
        world.publish(range(1, 101))
        wait_until(lambda: all_sent(world, 100))
        world.set_state(CampaignState.PAUSED, epoch=2)
    world.publish(range(101, 401), epoch=2)
    world.delete_records()
    with world.sender():
        wait_until(lambda: world.rows("SELECT SUM(recorded_offset) FROM shard_claims") == ((400,),))
        world.set_state(CampaignState.RUNNING, epoch=3)
        world.publish(range(101, 401), epoch=3)
        wait_until(lambda: all_sent(world, 400))


def test_a_failing_provider_costs_no_attempts(world: World) -> None:
    """Every sender stops the sends to a failing provider, which costs no attempts."""
    world.configure(
        Simulated={"FailureRates": {"retryable": 1.0}},
        Retry={"BackoffBase": "1h", "BackoffMax": "1h"},
    )
    world.add_campaign(400)
    world.publish(range(1, 201))
    with world.sender(), world.sender():
        wait_until(lambda: world.counts() == {Status.WAITING: 200})
        wait_until(lambda: world.rows("SELECT COUNT(*) FROM provider_breakers") == ((1,),))
        world.publish(range(201, 401))
        wait_until(lambda: world.counts() == {Status.WAITING: 400})
    attempts = " UNION ALL ".join(f"SELECT attempts FROM messages_{n}" for n in range(SHARDS))
    ((called,),) = world.rows(f"SELECT SUM(attempts) FROM ({attempts}) m")
    assert 20 <= called < 300


def test_shards_made_while_a_sender_runs_are_sent_by_it_too(world: World) -> None:
    world.add_campaign(600)
    with world.sender():
        world.publish(range(1, 201))
        wait_until(lambda: world.counts() == {Status.SENT: 200})
        migrate(world.database, 2 * SHARDS)
        world.publish(range(201, 601), shards=2 * SHARDS)
        wait_until(lambda: world.counts() == {Status.SENT: 600})
        assert world.suspects() == 0
