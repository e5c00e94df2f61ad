"""A route with AfterDoubt: messages in doubt go on to another provider, and are counted."""

from math import inf

import pytest

from campaign_common.domain.message import Status, idempotency_key
from campaign_common.domain.routing.route import Route
from campaign_common.domain.routing.routes import Routes
from campaign_providers.contract import SendResult, SendStatus
from tests.integration.sender.routed_campaign import OTHER, PAIR, SEQ, RoutedCampaign
from tests.integration.sender.scene import Scene
from tests.unit.sender.messages import CAMPAIGN

FIRST = PAIR.of("pair", "").first(idempotency_key(CAMPAIGN, SEQ, 0), lambda _: False)
SECOND = OTHER[FIRST]


def going_on() -> Routes:
    return Routes({"pair": Route(PAIR.of("pair", "").choose, ("main", "spare"), after_doubt=True)})


@pytest.fixture
def campaign(scene: Scene) -> RoutedCampaign:
    made = RoutedCampaign(scene)
    made.take(going_on())
    return made


def test_the_next_provider_is_sent_what_the_first_may_have_taken(campaign: RoutedCampaign) -> None:
    assert campaign.send() == FIRST
    campaign.answer(SendStatus.AMBIGUOUS)
    assert campaign.row() == (Status.WAITING, SECOND, 0)
    assert campaign.possibly_sent() == {(1, FIRST)}
    assert campaign.duplicates() == {}
    assert campaign.send(try_number=2, attempts=1) == SECOND
    campaign.answer(SendStatus.ACCEPTED)
    assert campaign.row() == (Status.SENT, SECOND, 1)
    assert campaign.duplicates() == {SECOND: 1}


@pytest.mark.parametrize("idempotent_for", [0.0, inf], ids=["not idempotent", "idempotent"])
def test_a_refusal_by_the_next_provider_is_no_proof(
    campaign: RoutedCampaign, idempotent_for: float
) -> None:
    campaign.take(going_on(), idempotent_for)
    campaign.send()
    campaign.answer(SendStatus.AMBIGUOUS)
    campaign.send(try_number=2, attempts=1)
    campaign.answer(SendStatus.PERMANENT)
    assert campaign.row() == (Status.UNKNOWN, SECOND, 0), "which has not taken it"
    assert campaign.possibly_sent() == {(1, FIRST)}
    assert campaign.duplicates() == {}


def test_a_message_returns_to_a_doubt_that_its_later_tries_left(campaign: RoutedCampaign) -> None:
    """Where that is idempotent, its refusal is one of the first send, and no repetition."""
    campaign.take(going_on(), inf)
    campaign.send()
    campaign.answer(SendStatus.AMBIGUOUS)
    assert campaign.send(try_number=2, attempts=1) == SECOND
    campaign.answer(SendStatus.RETRYABLE)
    assert campaign.row() == (Status.WAITING, FIRST, 1)
    assert campaign.send(try_number=3, attempts=2) == FIRST
    campaign.answer(SendStatus.PERMANENT)
    assert (campaign.row(), campaign.duplicates()) == ((Status.FAILED, FIRST, 1), {})


def test_each_send_after_doubts_at_two_providers_is_counted(campaign: RoutedCampaign) -> None:
    campaign.take(going_on(), inf)
    campaign.send()
    campaign.answer(SendStatus.AMBIGUOUS)
    campaign.send(try_number=2, attempts=1)
    campaign.answer(SendStatus.AMBIGUOUS)
    assert campaign.row() == (Status.WAITING, FIRST, 1), "it may have taken it"
    assert campaign.possibly_sent() == {(1, FIRST), (2, SECOND)}
    assert campaign.send(try_number=3, attempts=2) == FIRST
    campaign.answer(SendStatus.ACCEPTED)
    assert campaign.duplicates() == {FIRST: 1, SECOND: 1}


def test_a_lost_sender_s_message_returns_to_its_provider(
    campaign: RoutedCampaign,
) -> None:
    campaign.send()
    campaign.scene.lose_to_another(0)
    assert campaign.send() == FIRST, "it knows the key"
    campaign.scene.lose_to_another(0)
    campaign.rest(FIRST)
    assert campaign.send() == SECOND
    campaign.answer(SendStatus.AMBIGUOUS)
    assert campaign.duplicates() == {SECOND: 1}
    assert campaign.row() == (Status.WAITING, SECOND, 1), "the other one rests"


def test_one_try_that_two_providers_may_have_taken(campaign: RoutedCampaign) -> None:
    """It was claimed for both, and both senders were lost: none is known as the only one."""
    campaign.send()
    campaign.scene.lose_to_another(0)
    campaign.rest(FIRST)
    campaign.send()
    campaign.scene.lose_to_another(0)
    assert campaign.possibly_sent() == {(1, None)}
    assert campaign.send() == SECOND
    campaign.take(PAIR)
    campaign.scene.lose_to_another(0)
    assert campaign.send() == "", "without AfterDoubt"
    campaign.scene.cycle()
    assert campaign.row() == (Status.UNKNOWN, None, 1)


def test_a_doubt_at_an_unknown_provider_is_sent_and_counted(campaign: RoutedCampaign) -> None:
    """As after a takeover by a sender of 0.2.0: its suspects have no provider."""
    campaign.take(going_on(), inf)
    campaign.send()
    campaign.scene.lose_to_another(0)
    campaign.scene.change(lambda c: c.execute("UPDATE possibly_sent SET provider = NULL"))
    assert campaign.send() == FIRST
    campaign.answer(SendStatus.ACCEPTED)
    assert (campaign.row(), campaign.duplicates()) == ((Status.SENT, FIRST, 1), {FIRST: 1})


def test_after_lost_commits_a_message_is_sent_and_counted(campaign: RoutedCampaign) -> None:
    """Also where one of the providers that may have taken it is known."""
    campaign.take(going_on(), inf)
    campaign.send()
    campaign.answer(SendStatus.RETRYABLE)
    owned = campaign.scene.buffer.owned(0)
    assert owned is not None
    owned.possibly_sent_below = 1_000
    assert campaign.send(try_number=2, attempts=1) == SECOND
    assert campaign.possibly_sent() == {(0, None)}
    campaign.answer(SendStatus.AMBIGUOUS)
    assert campaign.duplicates() == {SECOND: 1}
    assert campaign.send(try_number=3, attempts=2) == FIRST
    campaign.answer(SendStatus.PERMANENT)
    assert campaign.row() == (Status.UNKNOWN, FIRST, 0)


def test_lost_commits_stay_in_doubt_beside_a_lost_sender(campaign: RoutedCampaign) -> None:
    """Both are of the same try; a refusal where the lost sender sent it proves nothing."""
    campaign.take(going_on(), inf)
    assert campaign.send() == FIRST
    campaign.scene.lose_to_another(0)
    owned = campaign.scene.buffer.owned(0)
    assert owned is not None
    owned.possibly_sent_below = 1_000
    assert campaign.send() == FIRST
    assert campaign.possibly_sent() == {(0, None), (1, FIRST)}
    campaign.scene.lose_to_another(0)
    assert campaign.send() == FIRST
    campaign.answer(SendStatus.PERMANENT)
    assert campaign.row() == (Status.UNKNOWN, FIRST, 1)


def test_a_doubt_returns_where_after_doubt_was_taken_away(campaign: RoutedCampaign) -> None:
    campaign.send()
    campaign.answer(SendStatus.AMBIGUOUS)
    campaign.take(PAIR)
    assert campaign.send(try_number=2, attempts=1) == FIRST


def test_a_late_refusal_of_a_doubt_that_was_left_settles_nothing(campaign: RoutedCampaign) -> None:
    """The message ended as unknown, and the provider before may have taken it."""
    campaign.send()
    campaign.answer(SendStatus.AMBIGUOUS)
    campaign.send(try_number=2, attempts=1)
    (held,) = (m for m in campaign.providers[SECOND].submitted if campaign.scene.buffer.holds(m))
    campaign.scene.lose_to_another(0)
    campaign.scene.buffer.add_results([SendResult(held, SendStatus.PERMANENT)])
    campaign.scene.cycle()
    assert campaign.send(try_number=2, attempts=1) == SECOND
    campaign.answer(SendStatus.PERMANENT)
    campaign.scene.execute_commands()
    assert campaign.row() == (Status.UNKNOWN, SECOND, 1)


def test_at_most_once_nothing_goes_on(campaign: RoutedCampaign) -> None:
    campaign.scene.change(lambda c: c.execute("UPDATE campaigns SET delivery = 'at_most_once'"))
    campaign.send()
    campaign.answer(SendStatus.AMBIGUOUS)
    assert (campaign.row(), campaign.possibly_sent()) == ((Status.UNKNOWN, FIRST, 1), set())


def test_a_lost_sender_s_message_returns_beside_a_choice(campaign: RoutedCampaign) -> None:
    """The lost sender could not take the provider that the row names, as that rested."""
    campaign.take(going_on(), inf)
    campaign.send()
    campaign.answer(SendStatus.RETRYABLE)
    assert campaign.row() == (Status.WAITING, SECOND, 0)
    campaign.rest(SECOND)
    assert campaign.send(try_number=2, attempts=1) == FIRST
    campaign.scene.lose_to_another(0)
    campaign.wake(SECOND)
    assert campaign.send(try_number=2, attempts=1) == FIRST, "it knows the key"
