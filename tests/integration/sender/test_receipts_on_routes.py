"""Receipts of the providers of a route: each proves what its own provider may have taken."""

import pytest

from campaign_common.database import Databases
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.shard import Shard
from campaign_common.store.receipts.receipt_writer import ReceiptWriter
from campaign_providers.contract import SendStatus
from tests.integration.sender.routed_campaign import OTHER, SEQ, RoutedCampaign
from tests.integration.sender.scene import Scene
from tests.integration.sender.test_after_doubt import going_on
from tests.integration.sender.test_receipts import settle
from tests.unit.sender.messages import CAMPAIGN

ACCEPTED, UNDELIVERED, DELIVERED = (
    ReceiptRank.ACCEPTED,
    ReceiptRank.UNDELIVERED,
    ReceiptRank.DELIVERED,
)


@pytest.fixture
def campaign(scene: Scene) -> RoutedCampaign:
    return RoutedCampaign(scene)


def report(campaign: RoutedCampaign, provider: str, rank: ReceiptRank) -> None:
    receipt = MessageReceipt(CAMPAIGN, SEQ, 0, Shard(0), provider, rank)
    ReceiptWriter(Databases((campaign.scene.database,))).write([receipt])


def stored(campaign: RoutedCampaign) -> list[tuple[object, ...]]:
    return campaign.scene.rows("provider, receipt_rank, state", "receipts")


def refused_then_doubted(campaign: RoutedCampaign) -> tuple[str, str]:
    """Let one provider refuse the message, and the other one say nothing; return both."""
    refuser = campaign.send()
    campaign.answer(SendStatus.RETRYABLE)
    doubted = campaign.send(try_number=2, attempts=1)
    campaign.answer(SendStatus.AMBIGUOUS)
    assert campaign.row() == (Status.WAITING, doubted, 1)
    return refuser, doubted


def test_one_that_refused_proves_no_other_send(campaign: RoutedCampaign) -> None:
    """Neither to the owner nor at the admission; the message is sent again."""
    refuser, doubted = refused_then_doubted(campaign)
    report(campaign, refuser, UNDELIVERED)
    settle(campaign.scene)
    assert campaign.row() == (Status.WAITING, doubted, 1)
    assert campaign.send(try_number=3, attempts=2) == doubted
    settle(campaign.scene)
    assert not any(one.withdrawn for one in campaign.providers[doubted].submitted)
    campaign.answer(SendStatus.AMBIGUOUS)
    assert campaign.row() == (Status.WAITING, doubted, 1)


@pytest.mark.parametrize("is_first", [True, False], ids=["proof first", "proof last"])
def test_the_proof_of_a_doubt_is_kept(campaign: RoutedCampaign, is_first: bool) -> None:
    refuser, doubted = refused_then_doubted(campaign)
    reports = [(doubted, ACCEPTED), (refuser, UNDELIVERED)]
    for provider, rank in reports if is_first else reversed(reports):
        report(campaign, provider, rank)
    assert stored(campaign) == [(doubted, ACCEPTED, 0)]
    settle(campaign.scene)
    assert campaign.row() == (Status.SENT, doubted, 0)


def test_a_claim_shows_whose_proof_is_kept(campaign: RoutedCampaign) -> None:
    """Both report while the second try is at its provider; its result proves nothing."""
    refuser = campaign.send()
    campaign.answer(SendStatus.RETRYABLE)
    doubted = campaign.send(try_number=2, attempts=1)
    report(campaign, refuser, UNDELIVERED)
    report(campaign, doubted, ACCEPTED)
    campaign.answer(SendStatus.AMBIGUOUS)
    assert campaign.row() == (Status.SENT, doubted, 0)


def test_what_was_delivered_was_sent_by_whomever(campaign: RoutedCampaign) -> None:
    refuser, _ = refused_then_doubted(campaign)
    report(campaign, refuser, DELIVERED)
    settle(campaign.scene)
    assert campaign.row() == (Status.SENT, refuser, 0)


def test_a_lost_claim_is_settled_by_its_own_provider(campaign: RoutedCampaign) -> None:
    refuser = campaign.send()
    campaign.answer(SendStatus.RETRYABLE)
    doubted = campaign.send(try_number=2, attempts=1)
    report(campaign, refuser, UNDELIVERED)
    campaign.scene.lose_to_another(0)
    assert campaign.row() == (Status.WAITING, doubted, 0)
    assert campaign.possibly_sent() == {(2, doubted)}
    report(campaign, doubted, ACCEPTED)
    settle(campaign.scene)
    assert campaign.row() == (Status.SENT, doubted, 0)


def test_a_doubt_that_a_message_has_left_can_be_proved(campaign: RoutedCampaign) -> None:
    """A refusal elsewhere leaves it unknown; only the provider of the doubt settles that."""
    campaign.take(going_on())
    doubted = campaign.send()
    campaign.answer(SendStatus.AMBIGUOUS)
    refuser = campaign.send(try_number=2, attempts=1)
    campaign.answer(SendStatus.PERMANENT)
    assert (refuser, campaign.row()) == (OTHER[doubted], (Status.UNKNOWN, refuser, 0))
    report(campaign, refuser, UNDELIVERED)
    settle(campaign.scene)
    assert campaign.row() == (Status.UNKNOWN, refuser, 0)
    report(campaign, doubted, ACCEPTED)
    settle(campaign.scene)
    assert campaign.row() == (Status.SENT, doubted, 0)
