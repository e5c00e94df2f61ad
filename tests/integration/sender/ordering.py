"""Users' commands for a running campaign, and the provider's answers before them."""

from collections import Counter
from functools import partial

from campaign_common.domain.campaign import Transition
from campaign_common.domain.message import Status
from campaign_common.store.campaigns.transitions import change_state
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.message import Message
from tests.integration.sender.scene import Scene
from tests.support.services.orders import order_retry
from tests.unit.sender.messages import CAMPAIGN, message

cancel = partial(change_state, campaign_id=CAMPAIGN, transition=Transition.CANCEL, actor="a person")


def retry(*statuses: Status, error_code: str | None = None) -> partial[object]:
    return partial(
        order_retry,
        campaign_id=CAMPAIGN,
        actor="a person",
        statuses=statuses,
        error_code=error_code,
    )


def answer(scene: Scene, of: SendStatus, *messages: Message, error_code: str | None = None) -> None:
    scene.buffer.add_results([SendResult(m, of, None, error_code) for m in messages])
    scene.cycle()


def submit(scene: Scene, *messages: Message) -> list[Message]:
    """Have messages fetched, claimed and submitted to the provider."""
    scene.fetch(*messages)
    scene.cycle()
    return list(messages)


def counters_match(scene: Scene) -> bool:
    return scene.counts() == Counter(status for (status,) in scene.rows("status"))


def ended(scene: Scene, numbers: range, *, error_code: str) -> None:
    messages = submit(scene, *(message(n) for n in numbers))
    answer(scene, SendStatus.PERMANENT, *messages, error_code=error_code)
