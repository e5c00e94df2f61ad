"""Budgets of campaigns, and the rests and pauses that their progress shows."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.domain.campaign import CampaignId, Transition
from campaign_common.domain.content.price import Price
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings, Settings, SimulatedSettings
from campaign_common.store.campaigns.transitions import BUDGET_USED_UP, change_state
from campaign_common.store.core.campaigns import read_versions
from campaign_common.store.limits.live_limits import set_live
from campaign_common.store.messages.provider_breakers import OpenBreaker, open_breaker
from tests.integration.api.drafted import PATH, body, events, made, post, problem
from tests.integration.api.stored import REQUEST, add_list, change, create, rows
from tests.support.servers.schemas import make_current

EUR = Price("EUR", Decimal("0.07"), {})


@pytest.fixture
def client(settings: Settings, pool: Database) -> FlaskClient:
    add_list(pool, [("13961467500", "Ann", {}), ("13961467501", "Bob", {})])
    priced = replace(settings, simulated=SimulatedSettings(price=EUR))
    return create_app(priced, Databases((pool,))).test_client()


def run(pool: Database, campaign_id: int, state: str = "running") -> None:
    change(pool, "UPDATE campaigns SET state = %s, shards = 2 WHERE id = %s", state, campaign_id)


def patch(client: FlaskClient, campaign_id: int, **fields: Any) -> Any:  # noqa: ANN401
    return client.patch(f"{PATH}/{campaign_id}", json=fields)


def progress(client: FlaskClient, campaign_id: int) -> Mapping[str, Any]:
    return body(client.get(f"{PATH}/{campaign_id}/progress"))


def test_a_budget_is_in_the_currency_of_the_price(client: FlaskClient, pool: Database) -> None:
    campaign = made(client, budget="120.50")
    assert (campaign["budget"], campaign["budget_currency"]) == ("120.5", "EUR")
    assert progress(client, campaign["id"])["budget"] == {
        "currency": "EUR",
        "amount": "120.5",
        "taken": "0",
        "left": "120.5",
    }
    clone = body(client.post(f"{PATH}/{campaign['id']}/clone"))
    assert clone["budget"] == "120.5"
    lifted = body(patch(client, campaign["id"], budget=None))
    assert (lifted["budget"], lifted["budget_currency"]) == (None, None)
    assert client.delete(f"{PATH}/{clone['id']}").status_code == 204
    assert rows(pool, "SELECT campaign_id FROM campaign_budgets") == []


@pytest.mark.parametrize(
    "budget", ["0", "-1", "1.0000001", 5, 0.5, True, "1e3", "1000000000", "0.0", "01", "x"]
)
def test_what_is_no_amount_is_refused(client: FlaskClient, budget: object) -> None:
    status, _, errors = problem(post(client, budget=budget))
    assert status == 422
    assert errors["budget"].startswith('must be an amount such as "120.50"')


@pytest.mark.usefixtures("client")
def test_without_a_price_there_is_no_budget(settings: Settings, pool: Database) -> None:
    unpriced = create_app(settings, Databases((pool,))).test_client()
    status, _, errors = problem(post(unpriced, budget="5"))
    said = "provider simulated has no price, by which a budget could be kept"
    assert (status, errors) == (422, {"budget": said})


def test_a_budget_is_changed_with_the_rate_or_not_at_all(
    client: FlaskClient, pool: Database
) -> None:
    """Both while the campaign runs, in one request."""
    campaign_id, unpaid = made(client, budget="5")["id"], made(client)["id"]
    run(pool, campaign_id)
    run(pool, unpaid)
    changed = body(patch(client, campaign_id, budget="7.25", max_rate=0.5))
    assert (changed["budget"], changed["max_rate"]) == ("7.25", 0.5)
    assert events(pool, campaign_id)[-1][3] == "changed max_rate to 0.5, budget to 7.25"
    assert patch(client, unpaid, budget="7.25", max_rate=0.5).status_code == 422
    assert rows(pool, f"SELECT max_rate FROM campaigns WHERE id = {unpaid}") == [(None,)]


def test_a_running_campaign_takes_a_new_amount_only(client: FlaskClient, pool: Database) -> None:
    campaign_id = made(client, budget="5")["id"]
    run(pool, campaign_id)
    assert body(patch(client, campaign_id, budget="7.25"))["budget"] == "7.25"
    assert events(pool, campaign_id)[-1] == ("api", "running", "running", "changed budget to 7.25")
    assert patch(client, campaign_id, budget="8", name="another").status_code == 409
    status, _, errors = problem(patch(client, campaign_id, budget=None))
    said = "must be there before the start; then it can be changed only"
    assert (status, errors) == (422, {"budget": said})
    run(pool, campaign_id, "finished")
    assert patch(client, campaign_id, budget="9").status_code == 409


def test_a_campaign_that_runs_gets_no_first_budget(client: FlaskClient, pool: Database) -> None:
    campaign_id = made(client)["id"]
    run(pool, campaign_id)
    assert problem(patch(client, campaign_id, budget="7"))[0] == 422


def lose(pool: Database) -> None:
    """Drop the budgets, as a roll-back and another upgrade do."""
    change(pool, "DELETE FROM campaign_budgets")


def spend(pool: Database, campaign_id: int, shard: int, currency: str, amount: str) -> None:
    change(
        pool,
        "INSERT INTO campaign_costs (campaign_id, shard, currency, segments, amount)"
        " VALUES (%s, %s, %s, 10, %s)",
        campaign_id,
        shard,
        currency,
        amount,
    )


def budget_of(pool: Database, campaign_id: int) -> tuple[str | None, int]:
    """Return the currency of the budget as senders read it, and the epoch."""
    with pool.reading() as cursor:
        version = read_versions(cursor, [CampaignId(campaign_id)])[CampaignId(campaign_id)]
    return version.budget, version.epoch


LOST = {"currency": None, "amount": None, "taken": None, "left": "0"}


@pytest.mark.parametrize("state", ["running", "paused"])
@pytest.mark.parametrize("fields", [{"priority": 6}, {"max_rate": 5}, {"max_rate": None}])
def test_a_lost_budget_stays_until_it_is_given_again(
    client: FlaskClient, pool: Database, state: str, fields: Mapping[str, object]
) -> None:
    """Another change does not remove what is left of it, the mark: nothing may be sent."""
    campaign_id = made(client, budget="5", max_rate=2)["id"]
    run(pool, campaign_id, state)
    lose(pool)
    assert body(patch(client, campaign_id, budget=None, **fields))["budget"] is None
    assert budget_of(pool, campaign_id) == ("?", 0)
    assert progress(client, campaign_id)["budget"] == LOST
    given = body(patch(client, campaign_id, budget="7", priority=7))
    assert (given["budget"], given["budget_currency"]) == ("7", "EUR")
    assert budget_of(pool, campaign_id) == ("EUR", int(state == "running"))
    assert progress(client, campaign_id)["budget"]["left"] == "7"


def test_a_lost_budget_of_a_draft_has_to_be_given_again(
    client: FlaskClient, pool: Database
) -> None:
    campaign_id = made(client, budget="5")["id"]
    lose(pool)
    said = {"budget": "was lost in a roll-back to an older release; give one"}
    for fields in ({"name": "another"}, {"budget": None, "name": "another"}, {"max_rate": 3}):
        status, _, errors = problem(patch(client, campaign_id, **fields))
        assert (status, errors) == (422, said)
    status, _, errors = problem(client.post(f"{PATH}/{campaign_id}/clone"))
    assert (status, errors) == (422, said)
    assert budget_of(pool, campaign_id)[0] == "?"
    dry_run = body(client.post(f"{PATH}/{campaign_id}/dry-run"))
    assert dry_run["cost"]["warning"].startswith("the budget was lost in a roll-back")
    assert body(patch(client, campaign_id, budget="6", name="another"))["budget"] == "6"
    assert budget_of(pool, campaign_id)[0] == "EUR"
    assert body(client.post(f"{PATH}/{campaign_id}/clone"))["budget"] == "6"
    assert body(patch(client, campaign_id, budget=None))["budget"] is None
    assert budget_of(pool, campaign_id)[0] is None


@pytest.mark.usefixtures("client")
def test_what_is_spent_is_taken_of_a_budget_given_again(
    settings: Settings, pool: Database, other_database: str
) -> None:
    """The servers of the shards know it: its row was dropped by a roll-back."""
    other = Database(MysqlSettings(dsn=parse_dsn(other_database)))
    make_current(other, 2)
    priced = replace(settings, simulated=SimulatedSettings(price=EUR))
    client = create_app(priced, Databases((pool, other), {1: 1})).test_client()
    campaign_id = made(client, budget="5")["id"]
    run(pool, campaign_id)
    lose(pool)
    spend(pool, campaign_id, 0, "EUR", "1.5")
    spend(other, campaign_id, 1, "EUR", "1")
    spend(other, campaign_id, 1, "USD", "3")
    assert body(patch(client, campaign_id, budget="7"))["budget"] == "7"
    assert progress(client, campaign_id)["budget"]["left"] == "4.5"
    assert body(patch(client, campaign_id, budget="8"))["budget"] == "8"
    assert progress(client, campaign_id)["budget"]["left"] == "5.5"
    other.close()


def test_a_numbered_campaign_keeps_its_lost_budget(
    client: FlaskClient, pool: Database, csv_root: Path
) -> None:
    (csv_root / "recipients.csv").write_text("Ann,13961467500\n")
    assert create(client, scheduled_time=4102444800).status_code == 200
    campaign_id = int(REQUEST["campaign_id"])
    assert patch(client, campaign_id, budget="5").status_code == 200
    lose(pool)
    refused = create(client, scheduled_time=4102444800, campaign_name="another")
    assert refused.status_code == 422
    assert "budget: was lost in a roll-back" in refused.text
    assert budget_of(pool, campaign_id)[0] == "?"


def test_progress_says_who_paused_and_why(client: FlaskClient, pool: Database) -> None:
    campaign_id = made(client, budget="5")["id"]
    run(pool, campaign_id)
    with pool.transaction() as cursor:
        change_state(cursor, campaign_id, Transition.PAUSE, "sender-1", reason=BUDGET_USED_UP)
    paused = progress(client, campaign_id)["paused"]
    assert (paused["actor"], paused["reason"]) == ("sender-1", BUDGET_USED_UP)
    client.post(f"{PATH}/{campaign_id}/resume")
    assert progress(client, campaign_id)["paused"] is None


def test_progress_says_until_when_a_provider_rests(client: FlaskClient, pool: Database) -> None:
    """An open breaker, a wait that it asked for, and a day that is used up: the longest counts."""
    campaign_id = made(client)["id"]

    def reason() -> object:
        found = progress(client, campaign_id)
        assert (found["rests_until"] is None) is (found["rest_reason"] is None)
        return found["rest_reason"]

    run(pool, campaign_id)
    assert reason() is None
    for breaker, expected in (
        (OpenBreaker(30.0), "circuit_open"),
        (OpenBreaker(90.0, is_asked=True), "retry_after"),
        (OpenBreaker(60.0), "retry_after"),
        (OpenBreaker(120.0, account="digest"), "account_refused"),
    ):
        with pool.transaction() as cursor:
            open_breaker(cursor, "simulated", breaker, "sender-1")
        assert reason() == expected
    # As a sender of 0.2.0 opens it, which knows no reasons.
    change(pool, "UPDATE provider_breakers SET open_until = NOW(6) + INTERVAL 180 SECOND")
    assert reason() == "circuit_open"
    change(pool, "DELETE FROM provider_breakers")
    change(pool, "DELETE FROM provider_account_breakers")
    with pool.transaction() as cursor:
        set_live(cursor, "simulated", ProviderLimits(per_day=10, zone="Asia/Tokyo"), "a person")
    assert reason() is None
    change(
        pool,
        "INSERT INTO provider_days VALUES"
        " ('simulated', DATE(CONVERT_TZ(NOW(6), '+00:00', '+09:00')), 10)",
    )
    assert reason() == "day_used_up"
    assert progress(client, campaign_id)["rests_until"].endswith("T15:00:00.000Z")
    run(pool, campaign_id, "paused")
    assert reason() is None
