"""Choice of a message's provider at admission, and what is known there of an earlier send."""

from math import inf

import pytest

from campaign_common.domain.campaign import Delivery
from campaign_common.domain.message import LedgerEntry, Status
from campaign_common.domain.routing.route import Route
from campaign_common.domain.routing.routes import Routes
from campaign_common.runtime.boot_time import boot_time
from campaign_providers.contract import SendStatus
from campaign_sender.admission.provider_choice import (
    PRICE_MISSING,
    PROVIDER_UNKNOWN,
    ProviderChoice,
    doubts_wanted,
    with_lost_commits,
)
from tests.unit.sender.messages import CAMPAIGN, message, version

PAIR = Routes({"pair": Route((("main", 1), ("spare", 1)), ("main", "spare"))})
WINDOWS = {"main": 0.0, "spare": 0.0, "forever": inf, "day": 86_400.0, "simulated": inf}

NOW = 1_790_000_000_000_000

CHOICE = ProviderChoice(PAIR, lambda _: False, WINDOWS.__getitem__)


def test_doubts_are_looked_up_of_campaigns_that_exist() -> None:
    query = {(0, CAMPAIGN): [1, 2], (1, CAMPAIGN): [3], (0, CAMPAIGN + 1): [4]}
    assert doubts_wanted(query, {CAMPAIGN: version()}) == {CAMPAIGN: [1, 2, 3]}


SUSPECT = {(CAMPAIGN, 1, 0): {"old": 1}}
WAITS_IN_DOUBT = LedgerEntry(Status.WAITING, 0, 1, 1, 1, "old")


@pytest.mark.parametrize("named", ["pair", "forever", "day"])
@pytest.mark.parametrize("by", ["suspect", "ledger"])
def test_a_doubt_goes_before_what_the_campaign_names(named: str, by: str) -> None:
    """The name may have been that of another route when the message was claimed."""
    choice = ProviderChoice(PAIR, lambda _: False, lambda _: 0.0)
    one = message(try_number=2 if by == "ledger" else 1)
    one.in_doubt = by == "ledger"
    versions = {CAMPAIGN: version()._replace(provider=named)}
    entries = {one.key: WAITS_IN_DOUBT} if by == "ledger" else {}
    (sent,) = choice.choose([one], versions, entries, SUSPECT if by == "suspect" else {}).to_send
    assert (sent.provider, sent.ledger_provider, sent.in_doubt) == ("old", "old", True)


def test_doubts_at_two_providers_leave_a_message_unknown() -> None:
    versions = {CAMPAIGN: version()._replace(provider="forever")}
    chosen = CHOICE.choose([message()], versions, {}, {(CAMPAIGN, 1, 0): {"old": 1, "older": 2}})
    assert (chosen.to_send, chosen.decided[0].error_code) == ([], PROVIDER_UNKNOWN)


def test_a_provider_that_takes_other_content_is_passed_over() -> None:
    choice = ProviderChoice(
        PAIR, lambda _: False, lambda _: 0.0, lambda provider, _: provider == "spare"
    )
    of = version()._replace(provider="pair")
    messages = [message(seq) for seq in range(1, 21)]
    sent = choice.choose(messages, {CAMPAIGN: of}, {}, {}).to_send
    assert {one.provider for one in sent} == {"spare"}
    assert choice.after_proof(sent[0], of) == "spare"


@pytest.mark.parametrize(
    ("provider", "in_doubt", "repeats", "sent_after"),
    [
        ("main", True, True, 0),
        ("main", False, False, NOW),
        ("forever", True, False, 0),
        ("day", True, True, 0),
        ("day", False, False, NOW),
    ],
    ids=[
        "not idempotent",
        "no doubt",
        "idempotent without end",
        "that forgets keys, before the first use is looked up",
        "that forgets keys, without a doubt",
    ],
)
def test_a_repetition_may_be_a_duplicate(
    provider: str, in_doubt: bool, repeats: bool, sent_after: int
) -> None:
    one = message()
    one.in_doubt = in_doubt
    versions = {CAMPAIGN: version()._replace(provider=provider)}
    chosen = CHOICE.choose([one], versions, {}, {}, NOW)
    assert (chosen.to_send, one.provider, one.repeats) == ([one], provider, repeats)
    assert (one.sent_after, one.ledger_provider) == (sent_after, None)


@pytest.mark.parametrize(
    ("doubts", "window"), [({"day"}, 86_400.0), ({"day", "main"}, 0.0), ({None}, 0.0)]
)
def test_a_key_is_known_only_at_the_provider_of_the_doubt(
    doubts: set[str | None], window: float
) -> None:
    one = message()
    one.in_doubt, one.provider, one.doubts = True, "day", frozenset(doubts)
    assert CHOICE.key_window(one) == window


def test_a_doubt_of_another_generation_does_not_count() -> None:
    one = message(generation=1)
    versions = {CAMPAIGN: version()._replace(provider="pair")}
    (sent,) = CHOICE.choose([one], versions, {}, {(CAMPAIGN, 1, 0): {None: 1}}).to_send
    assert (sent.in_doubt, sent.provider == sent.ledger_provider) == (False, True)


def test_lost_commits_leave_a_message_of_a_route_unknown() -> None:
    one = message()
    one.in_doubt = True
    versions = {CAMPAIGN: version()._replace(provider="pair")}
    chosen = CHOICE.choose([one], versions, {}, {})
    assert chosen.to_send == []
    assert [result.error_code for result in chosen.decided] == [PROVIDER_UNKNOWN]


@pytest.mark.parametrize("in_doubt", [0, 1], ids=["failover", "doubt"])
def test_the_ledger_says_where_the_next_try_goes(in_doubt: int) -> None:
    for provider in ("main", "spare"):
        one = message(try_number=2)
        one.in_doubt = bool(in_doubt)
        entry = LedgerEntry(Status.WAITING, 0, 1, 1, in_doubt, provider)
        versions = {CAMPAIGN: version()._replace(provider="pair")}
        CHOICE.choose([one], versions, {one.key: entry}, {})
        assert one.provider == provider


GOING_ON = Routes({"pair": Route((("main", 1), ("spare", 0)), ("spare", "main"), True)})


@pytest.mark.parametrize(
    ("doubts", "resting", "provider", "repeats"),
    [
        pytest.param({"main"}, (), "main", False, id="its key is known there"),
        pytest.param({"main"}, ("main",), "spare", True, id="it is not known elsewhere"),
        pytest.param({None}, (), "main", True, id="nor perhaps where that is not known"),
        pytest.param({"main", "spare"}, ("spare",), "main", True, id="one of two"),
    ],
)
def test_a_send_after_doubt_elsewhere_is_a_repetition(
    doubts: set[str | None], resting: tuple[str, ...], provider: str, repeats: bool
) -> None:
    """Also at a provider that is idempotent without end."""
    one = message()
    choice = ProviderChoice(GOING_ON, resting.__contains__, lambda _: inf)
    versions = {CAMPAIGN: version()._replace(provider="pair")}
    (sent,) = choice.choose(
        [one], versions, {}, {(CAMPAIGN, 1, 0): dict.fromkeys(doubts, 0)}
    ).to_send
    assert (sent.provider, sent.repeats, sent.doubts) == (provider, repeats, doubts)
    assert (boot_time() < sent.key_known_until) is not repeats
    assert choice.goes_on_after_doubt(sent, versions[CAMPAIGN])
    assert choice.rests_for(sent, versions[CAMPAIGN]) == 0


def test_a_campaign_at_most_once_does_not_go_on_after_doubt() -> None:
    one = message()
    choice = ProviderChoice(GOING_ON, lambda name: name == "main", lambda _: 0.0)
    of = version(delivery=Delivery.AT_MOST_ONCE)._replace(provider="pair")
    (sent,) = choice.choose([one], {CAMPAIGN: of}, {}, {(CAMPAIGN, 1, 0): {"main": 1}}).to_send
    assert (sent.provider, sent.doubts) == ("main", frozenset())
    assert not choice.goes_on_after_doubt(sent, of)


def test_lost_commits_are_a_doubt_beside_those_that_are_known() -> None:
    lost, other = message(2), (CAMPAIGN, 1, 0)
    known = {other: {"main": 1}, (CAMPAIGN, 2, 0): {"spare": 1}}
    found = with_lost_commits(known, [lost])
    assert found == {other: {"main": 1}, (CAMPAIGN, 2, 0): {"spare": 1, None: 0}}
    assert known[CAMPAIGN, 2, 0] == {"spare": 1}


@pytest.mark.parametrize(("try_number", "provider"), [(2, "main"), (1, "spare")])
def test_a_doubt_of_this_very_try_is_later_than_the_choice(try_number: int, provider: str) -> None:
    """A lost sender took the one of them that did not rest, which knows the key."""
    one = message(try_number=2)
    choice = ProviderChoice(GOING_ON, lambda _: False, lambda _: inf)
    versions = {CAMPAIGN: version()._replace(provider="pair")}
    entry = LedgerEntry(Status.WAITING, 0, 1, 1, 0, "spare")
    doubts = {(CAMPAIGN, 1, 0): {"main": try_number}}
    (sent,) = choice.choose([one], versions, {one.key: entry}, doubts).to_send
    assert (sent.provider, sent.doubts) == (provider, {"main"})


@pytest.mark.parametrize(
    ("currencies", "code"),
    [
        ({"main": "EUR"}, None),
        ({"main": "USD"}, PRICE_MISSING),
        ({"main": None}, PRICE_MISSING),
        ({}, None),
    ],
    ids=["same currency", "another currency", "no price", "not configured here"],
)
def test_a_budget_needs_a_price_in_its_currency(
    currencies: dict[str, str | None], code: str | None
) -> None:
    """Messages that are held back wait for a sender that knows the price, without an attempt."""
    one = message()
    choice = ProviderChoice(Routes(), lambda _: False, WINDOWS.__getitem__, currencies=currencies)
    versions = {CAMPAIGN: version()._replace(provider="main", budget="EUR")}
    chosen = choice.choose([one], versions, {}, {})
    assert (chosen.to_send, one.budget) == ([] if code else [one], "EUR")
    assert [(r.status, r.error_code) for r in chosen.decided] == (
        [(SendStatus.UNCONFIGURED, code)] if code else []
    )
