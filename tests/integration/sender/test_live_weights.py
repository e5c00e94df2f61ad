"""Weights that are set while messages are sent: new messages follow, chosen ones stay."""

import pytest

from campaign_common.domain.message import Status
from campaign_common.domain.routing.route import Route
from campaign_common.domain.routing.route_choice import RouteChoice
from campaign_common.domain.routing.routes import Routes
from campaign_common.store.limits.live_weights import lock_live_choices, set_live_choices
from campaign_providers.contract import SendStatus
from tests.integration.sender.routed_campaign import RoutedCampaign
from tests.integration.sender.scene import Scene

TO_SPARE = (RouteChoice("main", 0), RouteChoice("spare", 100))
MAIN_OFF = (RouteChoice("main", 100, enabled=False), RouteChoice("spare", 100))


@pytest.fixture
def campaign(scene: Scene) -> RoutedCampaign:
    """On a route whose messages all begin with `main`."""
    made = RoutedCampaign(scene)
    made.take(Routes({"pair": Route((("main", 100), ("spare", 1)), ("main", "spare"))}))
    weigh(made, (RouteChoice("main", 100), RouteChoice("spare", 0)))
    return made


def weigh(campaign: RoutedCampaign, choices: tuple[RouteChoice, ...] | None) -> None:
    """Set the live weights as the API does; None: delete them."""

    def change(cursor: object) -> None:
        lock_live_choices(cursor, "pair")  # type: ignore[arg-type]
        set_live_choices(cursor, "pair", choices, "somebody")  # type: ignore[arg-type]

    campaign.scene.change(change)


@pytest.mark.parametrize("choices", [TO_SPARE, MAIN_OFF], ids=["no weight", "turned off"])
def test_new_messages_follow_and_a_doubt_stays(
    campaign: RoutedCampaign, choices: tuple[RouteChoice, ...]
) -> None:
    assert campaign.send() == "main"
    campaign.answer(SendStatus.AMBIGUOUS)
    assert campaign.row() == (Status.WAITING, "main", 1)
    weigh(campaign, choices)
    assert [campaign.send(seq=seq) for seq in range(10, 15)] == 5 * ["spare"]
    assert campaign.send(try_number=2, attempts=1) == "main"


def test_a_claim_of_a_lost_sender_stays(campaign: RoutedCampaign) -> None:
    assert campaign.send() == "main"
    campaign.scene.lose_to_another(0)
    weigh(campaign, MAIN_OFF)
    assert campaign.send() == "main"


def test_a_proven_failover_stays_and_the_next_one_does_not(campaign: RoutedCampaign) -> None:
    """A provider that is turned off takes the message for which it is chosen, and no other one."""
    weigh(campaign, TO_SPARE)
    assert campaign.send() == "spare"
    campaign.answer(SendStatus.RETRYABLE)
    assert campaign.row() == (Status.WAITING, "main", 0)
    weigh(campaign, MAIN_OFF)
    assert campaign.send(try_number=2, attempts=1) == "main"
    campaign.answer(SendStatus.RETRYABLE)
    assert campaign.row() == (Status.WAITING, "spare", 0)
    assert campaign.send(try_number=3, attempts=2) == "spare"
    campaign.answer(SendStatus.RETRYABLE)
    assert campaign.row() == (Status.WAITING, "spare", 0)


def test_a_message_that_was_not_sent_is_chosen_for_again(campaign: RoutedCampaign) -> None:
    assert campaign.send() == "main"
    campaign.answer(SendStatus.CIRCUIT_OPEN)
    weigh(campaign, TO_SPARE)
    assert campaign.send(try_number=2) == "spare"


def test_the_configured_weights_hold_again(campaign: RoutedCampaign) -> None:
    weigh(campaign, TO_SPARE)
    campaign.take(Routes({"pair": Route((("main", 1),), ("spare",))}))
    assert campaign.send(seq=20) == "spare"
    weigh(campaign, None)
    assert campaign.send(seq=21) == "main"


def test_weights_that_cannot_be_read_leave_those_of_before(campaign: RoutedCampaign) -> None:
    weigh(campaign, TO_SPARE)
    assert campaign.send(seq=20) == "spare"
    campaign.scene.change(lambda c: c.execute("UPDATE route_weights SET choices = '[5]'"))
    assert [campaign.send(seq=seq) for seq in (21, 22, 23)] == 3 * ["spare"]
