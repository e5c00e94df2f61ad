"""Due campaigns start once, whoever looks first; those that cannot start say why."""

from concurrent.futures import ThreadPoolExecutor

from tests.integration.scheduler.world import CAMPAIGN, World


def test_a_due_campaign_starts_with_its_end_frozen(world: World) -> None:
    world.add_list(10)
    world.add_campaign()
    scheduler = world.scheduler()
    scheduler.campaign_starter.start_due()
    assert world.campaign(
        "state", "epoch", "lease_epoch", "last_seq", "total", "shards", "lease_owner"
    ) == ("running", 1, 1, 20, 10, 8, scheduler.owner)
    assert world.campaign("started_at >= scheduled_at", "published_seq", "published_count") == (
        1,
        0,
        0,
    )
    assert world.rows("SELECT from_state, to_state FROM campaign_events") == [
        ("scheduled", "running")
    ]


def test_a_campaign_whose_time_has_not_come_waits(world: World) -> None:
    world.add_list(10)
    world.add_campaign()
    world.change("UPDATE campaigns SET scheduled_at = NOW(6) + INTERVAL 1 HOUR")
    world.scheduler().campaign_starter.start_due()
    assert world.campaign("state") == ("scheduled",)


def test_a_campaign_without_a_finished_list_fails_and_says_why(world: World) -> None:
    world.add_list(10, state="importing")
    world.add_campaign()
    world.add_campaign(CAMPAIGN + 1, list_id=99)
    world.scheduler().campaign_starter.start_due()
    assert world.rows("SELECT state, failure_reason FROM campaigns ORDER BY id") == [
        ("failed", "its recipient list is importing, not ready"),
        ("failed", "its recipient list is deleted, not ready"),
    ]
    assert world.rows("SELECT to_state, reason FROM campaign_events ORDER BY campaign_id")[0] == (
        "failed",
        "its recipient list is importing, not ready",
    )


def test_a_template_without_its_columns_fails_one_campaign(world: World) -> None:
    """A template that the list cannot fill fails its campaign only."""
    world.add_list(10, columns='["city"]')
    world.add_campaign(CAMPAIGN, template="hi {town}")
    world.add_campaign(CAMPAIGN + 1, template="hi {city}")
    world.scheduler().campaign_starter.start_due()
    states = world.rows("SELECT state, failure_reason FROM campaigns ORDER BY id")
    assert states[0][0] == "failed"
    assert "{town}" in states[0][1]
    assert states[1] == ("running", None)


def test_five_schedulers_start_a_thousand_campaigns_once_each(world: World) -> None:
    world.add_list(1)
    with world.database.transaction() as cursor:
        cursor.executemany(
            "INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state,"
            " scheduled_at, created_at)"
            " VALUES (%s, 'c', 'hi', 1, 'at_least_once', 'simulated', 'scheduled', NOW(6), NOW(6))",
            [(n,) for n in range(1, 1_001)],
        )
    schedulers = [world.scheduler() for _ in range(5)]
    with ThreadPoolExecutor(5) as threads:
        for done in [threads.submit(one.campaign_starter.start_due) for one in schedulers]:
            done.result(60)
    assert world.rows(
        "SELECT state, epoch, lease_epoch, COUNT(*) FROM campaigns GROUP BY 1,2,3"
    ) == [("running", 1, 1, 1_000)]
    assert world.rows("SELECT COUNT(*), COUNT(DISTINCT campaign_id) FROM campaign_events") == [
        (1_000, 1_000)
    ]
    held = [lease.campaign_id for one in schedulers for lease in one.leases.current()]
    assert sorted(held) == list(range(1, 1_001))
