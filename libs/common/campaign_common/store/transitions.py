"""campaigns: pausing, resuming and cancelling, each one compare-and-set with an event."""

from pymysql.cursors import Cursor

from campaign_common.campaign import CampaignState, Transition, apply
from campaign_common.store.events import append_event

LOCK_STATE = "SELECT state FROM campaigns WHERE id = %s FOR UPDATE"

# The raised epoch makes every record published so far void, and the raised lease epoch stops
# whoever is fanning the campaign out. A resume publishes from the first recipient again what
# the ledger lacks (protocol rule 8): both in this one statement, or a range would be lost.
CHANGE_STATE = """
UPDATE campaigns
SET state = %s, epoch = epoch + 1, lease_epoch = lease_epoch + 1, lease_until = NOW(6),
    fanned_seq = 0, fanned_count = 0, finished_at = IF(%s, NOW(6), finished_at)
WHERE id = %s AND state = %s
"""


def change_state(
    cursor: Cursor, campaign_id: int, transition: Transition, actor: str
) -> CampaignState | None:
    """Pause, resume or cancel a campaign; returns its state then, None when there is none.

    Doing again what already took effect changes nothing.

    Raises:
        TransitionRefused: the campaign's state does not allow it.
    """
    cursor.execute(LOCK_STATE, (campaign_id,))
    row = cursor.fetchone()
    if row is None:
        return None
    before = CampaignState(row[0])
    if has_taken_effect(transition, before):
        return before
    after = apply(transition, before)
    is_over = after is CampaignState.CANCELLED
    cursor.execute(CHANGE_STATE, (after.value, is_over, campaign_id, before.value))
    append_event(cursor, campaign_id, actor, from_state=before, to_state=after)
    return after


def has_taken_effect(transition: Transition, state: CampaignState) -> bool:
    """Tell whether a campaign in `state` is where `transition` leads."""
    return {
        Transition.PAUSE: CampaignState.PAUSED,
        Transition.RESUME: CampaignState.RUNNING,
        Transition.CANCEL: CampaignState.CANCELLED,
    }[transition] is state
