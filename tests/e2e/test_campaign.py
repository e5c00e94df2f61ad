"""The main job: a CSV becomes delivered messages, whatever is killed on the way."""

from collections.abc import Mapping
from subprocess import TimeoutExpired

import pytest

from campaign_common.domain.campaign import CampaignState
from campaign_common.domain.message import Status, idempotency_key
from campaign_providers.contract import SendStatus
from campaign_providers.simulated import simulated_status
from tests.support.services.orders import order_retry
from tests.support.services.processes import kill
from tests.support.services.system import System
from tests.support.waiting import wait_until

CAMPAIGN = 1000000000
RECIPIENTS = 5_000
SEED = 7
PHONES = [str(13961467500 + n) for n in range(RECIPIENTS)]
CSV = "".join(f"user{n},{phone}\n" for n, phone in enumerate(PHONES))
ALL_SENT = dict.fromkeys(PHONES, int(Status.SENT))
SLOW = {"Latency": {"Distribution": "uniform", "Mean": "100ms", "Spread": "90ms"}}
OPEN_CLAIMS = "SELECT COUNT(*) FROM shard_claims WHERE claimed <> ''"
HELD = {"InFlight": 200, "BatchSize": 100}


def outcomes(system: System) -> int:
    ((n,),) = system.rows("SELECT COALESCE(SUM(n), 0) FROM campaign_counters")
    return int(n)


def is_refused(seq: int, generation: int, rates: Mapping[str, float]) -> bool:
    """Predict whether the simulated provider refuses a message for good."""
    key = idempotency_key(CAMPAIGN, seq, generation)
    return simulated_status(key, SEED, rates) is SendStatus.PERMANENT


def test_a_csv_becomes_one_recorded_outcome_per_recipient(system: System) -> None:
    """The services begin as users have them, by the console scripts."""
    system.write_csv(CSV)
    with system.services(as_installed=True) as processes:
        system.create(CAMPAIGN, "recipients.csv")
        system.wait_until_finished(CAMPAIGN)
        campaign = system.campaign(CAMPAIGN)
    assert campaign["total"] == RECIPIENTS
    assert campaign["pending"] == 0
    assert campaign["possibly_sent"] == 0
    counts = campaign["counts"]
    assert isinstance(counts, dict)
    assert {word: n for word, n in counts.items() if n} == {"sent": RECIPIENTS}
    assert system.statuses(CAMPAIGN) == ALL_SENT
    assert [process.returncode for process in processes] == [0, 0, 0]


def test_retries_end_as_sent_and_refusals_as_failed(system: System) -> None:
    system.configure(
        Simulated={"Seed": SEED, "FailureRates": {"retryable": 0.2, "permanent": 0.1}},
        Retry={"BackoffBase": "200ms"},
    )
    system.write_csv(CSV)
    with system.services():
        system.create(CAMPAIGN, "recipients.csv")
        system.wait_until_finished(CAMPAIGN)
    statuses = list(system.statuses(CAMPAIGN).values())
    failed = statuses.count(Status.FAILED)
    assert RECIPIENTS * 0.08 < failed < RECIPIENTS * 0.12
    assert statuses.count(Status.SENT) == RECIPIENTS - failed
    retried = " UNION ALL ".join(
        f"SELECT attempts FROM messages_{n} WHERE status = 1" for n in range(8)
    )
    ((twice,),) = system.rows(f"SELECT COUNT(*) FROM ({retried}) m WHERE attempts = 2")
    assert RECIPIENTS * 0.17 < twice < RECIPIENTS * 0.23


def test_a_manual_retry_of_failures_finishes_the_campaign_again(system: System) -> None:
    """A person has what failed sent again and the campaign finishes again."""
    rates = {"permanent": 0.1, "retryable": 0.1}
    system.configure(
        Simulated={"Seed": SEED, "FailureRates": rates}, Retry={"BackoffBase": "200ms"}
    )
    system.write_csv(CSV)
    with system.services():
        system.create(CAMPAIGN, "recipients.csv")
        system.wait_until_finished(CAMPAIGN)
        failed = {p for p, status in system.statuses(CAMPAIGN).items() if status == Status.FAILED}
        with system.database.transaction() as cursor:
            ordered = order_retry(cursor, CAMPAIGN, "a person", [Status.FAILED])
        assert ordered == (CampaignState.RUNNING, len(failed))
        system.wait_until_finished(CAMPAIGN)
    again = {
        phone
        for seq, phone in enumerate(PHONES, 1)
        if all(is_refused(seq, generation, rates) for generation in (0, 1))
    }
    assert len(failed) > len(again) > 0
    assert system.statuses(CAMPAIGN) == {
        phone: Status.FAILED if phone in again else Status.SENT for phone in PHONES
    }
    assert outcomes(system) == RECIPIENTS
    generations = " UNION ALL ".join(
        f"SELECT generation FROM messages_{n} WHERE generation > 0" for n in range(8)
    )
    assert system.rows(f"SELECT COUNT(*) FROM ({generations}) m") == ((len(failed),),)


@pytest.mark.parametrize("victim", ["campaign-scheduler", "campaign-sender"])
def test_killing_a_service_in_mid_campaign_loses_nobody(system: System, victim: str) -> None:
    system.configure(Simulated=SLOW, Sender=HELD, Scheduler={"Lease": "3s", "ChunkSize": 200})
    system.write_csv(CSV)
    with system.services() as (_, scheduler, sender):
        system.create(CAMPAIGN, "recipients.csv")
        wait_until(lambda: outcomes(system) > RECIPIENTS // 5)
        kill(scheduler if victim == "campaign-scheduler" else sender)
        assert outcomes(system) < RECIPIENTS
        with system.run(victim):
            system.wait_until_finished(CAMPAIGN)
    assert system.statuses(CAMPAIGN) == ALL_SENT
    assert outcomes(system) == RECIPIENTS


def test_several_campaigns_schedulers_and_senders_share_the_work(system: System) -> None:
    system.write_csv(CSV)
    campaigns = range(1, 6)
    with system.services(schedulers=2, senders=2):
        for campaign_id in campaigns:
            system.create(campaign_id, "recipients.csv")
        for campaign_id in campaigns:
            system.wait_until_finished(campaign_id)
    for campaign_id in campaigns:
        assert system.statuses(campaign_id) == ALL_SENT
    assert outcomes(system) == RECIPIENTS * len(campaigns)
    assert system.rows("SELECT COUNT(*) FROM possibly_sent") == ((0,),)
    started = "SELECT COUNT(*) FROM campaign_events WHERE to_state = 'running'"
    assert system.rows(started) == ((len(campaigns),),)


def test_a_second_signal_ends_a_sender_at_once(system: System) -> None:
    system.configure(
        Simulated={"Latency": {"Distribution": "constant", "Mean": "60s"}}, Sender=HELD
    )
    system.write_csv(CSV)
    with system.services() as (_, _, sender):
        system.create(CAMPAIGN, "recipients.csv")
        wait_until(lambda: system.rows(OPEN_CLAIMS) > ((0,),))
        sender.terminate()
        with pytest.raises(TimeoutExpired):
            sender.wait(1)
        sender.terminate()
        assert sender.wait(5) != 0


def test_a_resume_goes_on_where_the_pause_stopped_the_sends(system: System) -> None:
    """A pause stops the sends and a resume goes on where they stopped."""
    system.configure(Simulated=SLOW, Sender=HELD)
    system.write_csv(CSV)
    with system.services():
        system.create(CAMPAIGN, "recipients.csv")
        wait_until(lambda: outcomes(system) > RECIPIENTS // 5)
        system.change(CAMPAIGN, "pause")
        wait_until(lambda: system.rows(OPEN_CLAIMS) == ((0,),))
        reached = outcomes(system)
        assert RECIPIENTS // 5 < reached < RECIPIENTS
        assert system.campaign(CAMPAIGN)["pending"] == RECIPIENTS - reached
        system.change(CAMPAIGN, "resume")
        system.wait_until_finished(CAMPAIGN)
    assert outcomes(system) == RECIPIENTS
    assert system.statuses(CAMPAIGN) == ALL_SENT
    assert system.rows("SELECT COUNT(*) FROM possibly_sent") == ((0,),)


def test_a_cancelled_campaign_accounts_for_everybody(system: System) -> None:
    system.configure(Simulated=SLOW, Sender=HELD)
    system.write_csv(CSV)
    with system.services():
        system.create(CAMPAIGN, "recipients.csv")
        wait_until(lambda: outcomes(system) > RECIPIENTS // 5)
        system.change(CAMPAIGN, "cancel")
        wait_until(lambda: system.rows(OPEN_CLAIMS) == ((0,),))
        campaign = system.campaign(CAMPAIGN)
    counts = campaign["counts"]
    assert isinstance(counts, dict)
    assert counts["sent"] + counts["cancelled"] == RECIPIENTS
    assert counts["sent"] == outcomes(system) < RECIPIENTS
