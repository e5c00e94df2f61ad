"""DELETE /v1/recipients/{phone}: forgetting a person."""

from typing import Any

from campaign_api.errors import InvalidField, RequestInvalid
from campaign_api.messages.erasing import Eraser
from campaign_api.schemas.erasure import ErasureResponse
from campaign_api.schemas.phone import PATH_PARAMETER, SAID
from campaign_api.web.caller import caller
from campaign_api.web.routing.resource import Decorator, Resource
from campaign_common.domain.api_key import Scope
from campaign_common.domain.phone_number import LONGEST, normalise_phone
from campaign_common.store.recipients.erasures import Erasure, ErasureStep

STEPS = (ErasureStep.REJECTS, ErasureStep.DEAD_LETTERS)
"""Steps that may remain when the response is sent."""


def resource(eraser: Eraser) -> Resource:
    """Build the routes."""
    routes = Resource(
        "recipients",
        __name__,
        url_prefix="/v1/recipients",
        description="People, over all recipient lists.",
    )

    by_phone: Decorator = routes.route("/<phone>", methods=["DELETE"], parameters=[PATH_PARAMETER])

    @by_phone
    @routes.requires(Scope.ADMIN)
    @routes.response(202, ErasureResponse)
    @routes.problems(409, 422)
    def erase(phone: str) -> dict[str, Any]:
        """Erase the name, attributes and number of a person from all data.

        Messages that are not sent become cancelled, and the counts stay consistent. Rejected rows
        and dead letters are searched too, also for a person who is in no list. A keyed hash stays,
        by which later imports leave the person out.
        """
        digits = normalise_phone(phone) if len(phone) <= LONGEST else None
        if digits is None:
            raise RequestInvalid([InvalidField("phone", SAID)])
        erasure, leaves_hash = eraser.erase(digits, caller().name)
        return _described(erasure, leaves_hash=leaves_hash)

    return routes


def _described(erasure: Erasure, *, leaves_hash: bool) -> dict[str, Any]:
    return {
        "id": erasure.id,
        "leaves_hash": leaves_hash,
        "remaining_steps": [step.value for step in STEPS[STEPS.index(erasure.step) :]],
    }
