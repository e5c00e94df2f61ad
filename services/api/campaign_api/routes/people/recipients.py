"""/v1/recipients/{phone}: everything about a person, and forgetting one."""

from typing import Any, NamedTuple

from flask import Response, jsonify

from campaign_api.errors import InvalidField, RequestInvalid
from campaign_api.messages.erasing import Eraser
from campaign_api.messages.inbound_records import InboundRecords
from campaign_api.messages.recipient_history import RecipientHistory
from campaign_api.schemas.erasure import ErasureResponse
from campaign_api.schemas.people.person import PersonSchema
from campaign_api.schemas.phone import PATH_PARAMETER, SAID
from campaign_api.suppressions.suppression_records import SuppressionRecords
from campaign_api.web.caller import caller
from campaign_api.web.http.paging import Key, PageParameters, encode
from campaign_api.web.routing.resource import Decorator, Resource
from campaign_common.domain.api_key import Scope
from campaign_common.domain.phone_number import LONGEST, normalise_phone
from campaign_common.store.inbound.inbound_listing import InboundFilter
from campaign_common.store.recipients.erasures import Erasure, ErasureStep

STEPS = (ErasureStep.REJECTS, ErasureStep.DEAD_LETTERS)
"""Steps that may remain when the response is sent."""


class PersonRecords(NamedTuple):
    """Stored data about people."""

    messages: RecipientHistory
    inbound: InboundRecords
    suppressions: SuppressionRecords

    def of_person(self, phone: str, limit: int) -> dict[str, Any]:
        """Describe everything about a person, of each list the first `limit` items.

        Raises:
            RetryLater: a database is down.
        """
        messages = self.messages.messages(phone, None, limit)
        inbound = self.inbound.page(InboundFilter(phone=phone), None, limit)
        return {
            **self.suppressions.of_person(phone),
            "messages": messages.items,
            "messages_cursor": _cursor(messages.next),
            "inbound": inbound.items,
            "inbound_cursor": _cursor(inbound.next_key),
        }


def resource(eraser: Eraser, people: PersonRecords) -> Resource:
    """Build the routes."""
    routes = Resource(
        "recipients",
        __name__,
        url_prefix="/v1/recipients",
        description="People, over all recipient lists.",
    )

    of_person: Decorator = routes.route("/<phone>", methods=["GET"], parameters=[PATH_PARAMETER])
    by_phone: Decorator = routes.route("/<phone>", methods=["DELETE"], parameters=[PATH_PARAMETER])

    @of_person
    @routes.arguments(PageParameters, location="query")
    @routes.response(200, PersonSchema)
    @routes.problems(422)
    def history(parameters: dict[str, Any], phone: str) -> Response:
        """Return everything about a person: what was sent, what came back, and suppressions.

        Messages and inbound messages are the newest, at most `limit` of each. Campaigns whose list
        was deleted are not included.
        """
        return jsonify(people.of_person(_digits(phone), parameters["limit"]))

    @by_phone
    @routes.requires(Scope.ADMIN)
    @routes.response(202, ErasureResponse)
    @routes.problems(409, 422)
    def erase(phone: str) -> dict[str, Any]:
        """Erase the name, attributes and number of a person, and the person's texts, from all data.

        Messages that are not sent become cancelled, and the counts stay consistent. Rejected rows
        and dead letters are searched too, also for a person who is in no list. A keyed hash stays,
        by which later imports leave the person out.
        """
        erasure, leaves_hash = eraser.erase(_digits(phone), caller().name)
        return _described(erasure, leaves_hash=leaves_hash)

    return routes


def _digits(phone: str) -> str:
    digits = normalise_phone(phone) if len(phone) <= LONGEST else None
    if digits is None:
        raise RequestInvalid([InvalidField("phone", SAID)])
    return digits


def _cursor(key: Key | None) -> str | None:
    return None if key is None else encode(key)


def _described(erasure: Erasure, *, leaves_hash: bool) -> dict[str, Any]:
    return {
        "id": erasure.id,
        "leaves_hash": leaves_hash,
        "remaining_steps": [step.value for step in STEPS[STEPS.index(erasure.step) :]],
    }
