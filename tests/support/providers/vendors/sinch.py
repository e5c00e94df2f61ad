"""Sinch's SMS API, version 1.

https://developers.sinch.com/docs/sms/api-reference/status-codes, sinch 2.3.0
"""

from tests.support.providers.vendors.vendor import (
    PAGE,
    SECRETS,
    Answer,
    Reported,
    Request,
    Scripted,
    Sent,
    Vendor,
    first_wrong,
)

DELIVERY_REPORTS = {"none", "summary", "full", "per_recipient", "per_recipient_final"}


class Sinch(Vendor):
    path = f"/xms/v1/{SECRETS['service_plan_id']}/batches"

    def wrong(self, request: Request) -> Answer | None:
        if not request.signed_in(f"Bearer {SECRETS['api_token']}"):
            return Answer(401)
        if request.path != self.path:
            return Answer(404)
        if not request.is_json():
            return self._error(400, "syntax_invalid_json")
        body = request.json()
        missing = self._error(400, "syntax_constraint_violation")
        form = self._error(400, "syntax_invalid_parameter_format")
        of_callbacks = self.of_callbacks("callback_url", "delivery_report")
        return first_wrong(
            (set(body) == {"from", "to", "body", "client_reference"} | of_callbacks, missing),
            (body.get("delivery_report", "per_recipient") in DELIVERY_REPORTS, form),
            (len(body.get("to", [])) == 1, missing),
            (body["to"][0].isdigit(), form),
            (0 < len(body["body"]) <= 2000, missing),
            (len(body["client_reference"]) <= 2048, missing),
        )

    def reported(self, request: Request) -> Reported:
        body = request.json()
        return Reported(body["callback_url"], body["client_reference"])

    def read(self, request: Request) -> Sent:
        body = request.json()
        return Sent(body["to"][0], body["body"], body["from"])

    def accept(self, request: Request, number: int) -> Answer:
        batch = {"id": f"01FC66621XXXXX119Z8PMV{number:04}", "type": "mt_text", "canceled": False}
        return Answer(201, {**request.json(), **batch})

    def refuse(self, scripted: Scripted) -> Answer:
        if not scripted.code:
            return Answer(scripted.status, PAGE)
        return self._error(scripted.status, scripted.code)

    def _error(self, status: int, code: str) -> Answer:
        return Answer(status, {"code": code, "text": "…"})
