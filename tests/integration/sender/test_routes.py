"""Messages of a campaign with a route: which provider they take, by real ledgers and claims."""

from decimal import Decimal
from time import monotonic

import pytest

from campaign_common.database.cursors import Cursors
from campaign_common.domain.claim import decode_claim
from campaign_common.domain.content.campaign_content import ContentSupport
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.domain.message import Status, idempotency_key
from campaign_common.domain.routing.routes import Routes
from campaign_common.store.core.possible_duplicates import count_possible_duplicates
from campaign_common.store.limits.publishing import bounded_campaigns, read_in_use
from campaign_common.store.messages.provider_breakers import OpenBreaker, open_breaker
from campaign_common.store.messages.retry_publication import sendable_campaigns
from campaign_common.store.shards.claims import read_claims
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.delivery.circuit_breaker import BreakerPolicy, CircuitBreaker
from tests.integration.sender.routed_campaign import OTHER, PAIR, SEQ, RoutedCampaign
from tests.integration.sender.scene import Scene
from tests.unit.sender.messages import CAMPAIGN


@pytest.fixture
def campaign(scene: Scene) -> RoutedCampaign:
    return RoutedCampaign(scene)


def test_a_claim_and_the_ledger_say_which_provider_it_is(campaign: RoutedCampaign) -> None:
    provider = campaign.send()
    with campaign.scene.database.reading() as cursor:
        claimed = [one for row in read_claims(cursor).values() for one in decode_claim(row.claimed)]
    assert [(one.seq, one.provider) for one in claimed] == [(SEQ, provider)]
    campaign.answer(SendStatus.ACCEPTED)
    assert campaign.row() == (Status.SENT, provider, 0)


def test_a_suspect_returns_to_its_provider_even_if_that_rests(campaign: RoutedCampaign) -> None:
    provider = campaign.send()
    campaign.scene.lose_to_another(0)
    campaign.rest(provider)
    assert campaign.send() == provider
    campaign.answer(SendStatus.CIRCUIT_OPEN)
    assert campaign.row() == (Status.WAITING, provider, 1)


def test_a_message_that_was_not_taken_fails_over(campaign: RoutedCampaign) -> None:
    provider = campaign.send()
    campaign.answer(SendStatus.RETRYABLE)
    assert campaign.row() == (Status.WAITING, OTHER[provider], 0)
    assert campaign.send(try_number=2, attempts=1) == OTHER[provider]
    campaign.answer(SendStatus.RETRYABLE)
    assert campaign.row() == (Status.WAITING, provider, 0)


def test_a_provider_that_rests_is_passed_over(campaign: RoutedCampaign) -> None:
    key = idempotency_key(CAMPAIGN, SEQ, 0)
    preferred = PAIR.of("pair", "").first(key, lambda _: False)
    campaign.rest(preferred)
    assert campaign.send() == OTHER[preferred]
    campaign.answer(SendStatus.RETRYABLE)
    assert campaign.row() == (Status.WAITING, OTHER[preferred], 0), "the other one rests"


def test_no_failover_after_doubt_that_a_later_try_denies(campaign: RoutedCampaign) -> None:
    provider = campaign.send()
    campaign.answer(SendStatus.AMBIGUOUS)
    assert campaign.send(try_number=2, attempts=1) == provider
    campaign.answer(SendStatus.RETRYABLE)
    assert campaign.row() == (Status.WAITING, provider, 1)
    campaign.rest(provider)
    assert campaign.send(try_number=3, attempts=2) == provider


@pytest.mark.parametrize("is_late", [False, True], ids=["not known", "known by a late result"])
def test_a_doubt_at_a_provider_that_is_not_known(campaign: RoutedCampaign, is_late: bool) -> None:
    """As after a takeover by a sender of 0.2.0: its suspects have no provider."""
    provider = campaign.send()
    (held,) = campaign.providers[provider].submitted
    campaign.scene.lose_to_another(0)
    campaign.scene.change(lambda c: c.execute("UPDATE possibly_sent SET provider = NULL"))
    if is_late:
        campaign.scene.buffer.add_results([SendResult(held, SendStatus.RETRYABLE)])
        campaign.scene.cycle()
        assert campaign.send() == provider
        return
    assert campaign.send() == ""
    campaign.scene.cycle()
    assert campaign.row() == (Status.UNKNOWN, None, 1)
    with campaign.scene.database.reading() as cursor:
        cursor.execute("SELECT COUNT(*) FROM possibly_sent WHERE campaign_id = %s", (CAMPAIGN,))
        assert cursor.fetchone() == (1,)


def test_a_send_that_is_repeated_after_doubt_is_counted(campaign: RoutedCampaign) -> None:
    """A refused one is not: the provider has not taken it."""
    provider = campaign.send()
    campaign.answer(SendStatus.AMBIGUOUS)
    campaign.send(try_number=2, attempts=1)
    campaign.answer(SendStatus.AMBIGUOUS)
    campaign.send(try_number=3, attempts=2)
    campaign.answer(SendStatus.RETRYABLE)
    campaign.send(try_number=4, attempts=3)
    campaign.answer(SendStatus.ACCEPTED)
    assert campaign.row() == (Status.SENT, provider, 1)
    with campaign.scene.database.reading() as cursor:
        assert count_possible_duplicates(Cursors((cursor,)), CAMPAIGN) == 2
        cursor.execute("SELECT shard, provider FROM possible_duplicates")
        assert cursor.fetchall() == ((0, provider),)


def test_a_route_lets_through_what_its_providers_do(scene: Scene) -> None:
    """Fan-out keeps to the sum of their limits, and to none if one of them has none."""
    scene.change(
        lambda c: c.execute(
            "UPDATE campaigns SET provider = 'pair', lease_owner = 's', published_seq = 1,"
            " last_seq = 9"
        )
    )
    limits = {"main": ProviderLimits(Decimal(10)), "spare": ProviderLimits(Decimal(5))}
    with scene.database.reading() as cursor:
        bounds = bounded_campaigns(cursor, "s", limits, PAIR)[CAMPAIGN]
        assert [one.limits for one in bounds.providers] == list(limits.values())
        assert [one.share for one in bounds.providers] == [1.0, 1.0]
        unlimited = limits | {"spare": ProviderLimits()}
        assert bounded_campaigns(cursor, "s", unlimited, PAIR) == {}
        assert read_in_use(cursor, PAIR) == ({"main", "spare"}, 1)
    scene.change(lambda c: c.execute("UPDATE campaigns SET max_rate = 2.5"))
    with scene.database.reading() as cursor:
        assert bounded_campaigns(cursor, "s", {}, PAIR) == {CAMPAIGN: (Decimal("2.5"), [])}


def test_after_an_outage_messages_are_at_their_first_choice(campaign: RoutedCampaign) -> None:
    """One that was not sent while a provider rested is chosen for again."""
    preferred = PAIR.of("pair", "").first(idempotency_key(CAMPAIGN, SEQ, 0), lambda _: False)
    campaign.rest(preferred)
    assert campaign.send() == OTHER[preferred]
    campaign.answer(SendStatus.CIRCUIT_OPEN)
    assert campaign.row() == (Status.WAITING, None, 0)
    campaign.scene.dispatcher.providers[preferred].breaker = CircuitBreaker(
        BreakerPolicy(), monotonic
    )
    assert campaign.send(try_number=2) == preferred


def test_content_that_no_provider_takes_waits_long(campaign: RoutedCampaign) -> None:
    for provider in campaign.providers.values():
        provider.support = ContentSupport(frozenset(), originator=False)
    assert campaign.send() == ""
    campaign.scene.cycle()
    assert campaign.row() == (Status.WAITING, None, 0)
    with campaign.scene.database.reading() as cursor:
        cursor.execute("SELECT due_at > NOW(6) + INTERVAL 20 SECOND FROM message_retries_0")
        assert cursor.fetchall() == ((1,),)


def test_a_doubt_about_a_provider_that_a_route_has_lost(campaign: RoutedCampaign) -> None:
    """Neither a route with one provider left nor a provider of its name is sent the message."""
    provider = campaign.send()
    campaign.scene.lose_to_another(0)
    campaign.take(Routes({}))
    assert campaign.send() == provider


def test_a_doubt_at_a_provider_that_is_gone_ends_at_last(
    campaign: RoutedCampaign,
) -> None:
    provider = campaign.send()
    campaign.answer(SendStatus.AMBIGUOUS)
    campaign.scene.dispatcher._providers.pop(provider)
    assert campaign.send(try_number=2, attempts=1) == ""
    campaign.scene.cycle()
    assert campaign.row() == (Status.WAITING, provider, 1)
    campaign.scene.change(
        lambda c: c.execute("UPDATE message_retries_0 SET aged_from = aged_from - INTERVAL 25 HOUR")
    )
    assert campaign.send(try_number=3, attempts=1) == ""
    campaign.scene.cycle()
    assert campaign.row() == (Status.UNKNOWN, provider, 1)


def test_retries_wait_while_all_of_a_route_rest(scene: Scene) -> None:
    scene.change(lambda c: c.execute("UPDATE campaigns SET provider = 'pair', lease_owner = 's'"))
    for provider, sendable in (("main", [CAMPAIGN]), ("spare", [])):
        scene.change(lambda c, name=provider: open_breaker(c, name, OpenBreaker(60.0), "s"))
        with scene.database.reading() as cursor:
            assert list(sendable_campaigns(cursor, "s", PAIR)) == sendable


def test_a_repetition_that_is_accepted_too_late_is_counted(campaign: RoutedCampaign) -> None:
    """By the sender that lost the shard; the repetition of its successor counts besides."""
    provider = campaign.send()
    campaign.answer(SendStatus.AMBIGUOUS)
    campaign.send(try_number=2, attempts=1)
    (held,) = (m for m in campaign.providers[provider].submitted if campaign.scene.buffer.holds(m))
    campaign.scene.lose_to_another(0)
    campaign.scene.buffer.add_results([SendResult(held, SendStatus.ACCEPTED)])
    campaign.scene.cycle()
    campaign.send(try_number=2, attempts=1)
    campaign.answer(SendStatus.ACCEPTED)
    with campaign.scene.database.reading() as cursor:
        assert count_possible_duplicates(Cursors((cursor,)), CAMPAIGN) == 2
