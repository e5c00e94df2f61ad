import pytest

from campaign_api.campaigns.actions import (
    ALLOWED_IN,
    Action,
    action_refused,
    allowed_actions,
    naming_api_actions,
)
from campaign_api.campaigns.history import described
from campaign_common.domain.campaign import TRANSITIONS, CampaignState, Transition, apply
from campaign_common.errors import TransitionRefused
from campaign_common.store.core.events import EventRow
from tests.unit.api.campaigns.test_progress import NOW


def test_every_action_says_where_it_is_allowed() -> None:
    assert set(ALLOWED_IN) == set(Action)


def test_an_action_is_allowed_where_its_transition_is() -> None:
    """Actions that are transitions are allowed where the transition is."""
    for action in (Action.SCHEDULE, Action.PAUSE, Action.RESUME, Action.CANCEL, Action.RETRY):
        assert ALLOWED_IN[action] == TRANSITIONS[Transition(action)][0]


@pytest.mark.parametrize("state", list(CampaignState))
def test_a_refused_transition_names_actions_only(state: CampaignState) -> None:
    """A refused transition names actions, and no transition that the system makes."""
    for transition in (Transition.PAUSE, Transition.RESUME, Transition.CANCEL, Transition.RETRY):
        if state in TRANSITIONS[transition][0]:
            continue
        with pytest.raises(TransitionRefused) as refusal, naming_api_actions():
            apply(transition, state)
        assert refusal.value.allowed == allowed_actions(state)
        assert not {"finish", "fail"} & set(refusal.value.allowed)
        assert (refusal.value.transition, refusal.value.state) == (transition, state)


def test_a_refusal_reads_as_a_sentence() -> None:
    said = str(action_refused("deletion", CampaignState.PAUSED))
    assert said == (
        "a paused campaign does not allow deletion;"
        " it allows resume, cancel, clone, preview, dry-run, test"
    )


@pytest.mark.parametrize(
    ("before", "after", "reason", "what"),
    [
        (None, "draft", "created", "created"),
        ("draft", "scheduled", None, "scheduled"),
        ("scheduled", "scheduled", "given another time", "changed"),
        ("scheduled", "running", None, "started"),
        ("scheduled", "failed", "its list is gone", "failed"),
        ("running", "paused", None, "paused"),
        ("paused", "running", None, "resumed"),
        ("running", "running", "retry of failed", "retried"),
        ("running", "running", "records were lost", "changed"),
        ("finished", "running", "retry of unknown", "retried"),
        ("running", "finished", None, "finished"),
        ("paused", "cancelled", None, "cancelled"),
        ("draft", None, "deleted", "deleted"),
    ],
)
def test_an_event_says_what_happened(
    before: str | None, after: str | None, reason: str | None, what: str
) -> None:
    event = EventRow(1, NOW, "me", before, after, reason)
    found = described(event)
    assert (found["type"], found["from"], found["to"]) == (what, before, after)
