"""Bandwidth's Messaging API: https://dev.bandwidth.com/docs/messaging/errors, SDK 23.3.1."""

import re

from tests.support.providers.vendors.vendor import (
    PAGE,
    SECRETS,
    Answer,
    Reported,
    Request,
    Scripted,
    Sent,
    Vendor,
    basic,
    first_wrong,
)

FIELDS = {"applicationId", "from", "to", "text", "tag"}


class Bandwidth(Vendor):
    path = f"/api/v2/users/{SECRETS['account_id']}/messages"

    def wrong(self, request: Request) -> Answer | None:
        if not request.signed_in(basic("user", "password")):
            return self._error(401, "unauthorized")
        if request.path != self.path:
            return self._error(404, "not-found")
        if not request.is_json():
            return self._error(415, "unsupported-content-type")
        body = request.json()
        invalid = self._error(400, "request-validation")
        if set(body) != FIELDS:
            return invalid
        return first_wrong(
            (body["applicationId"] == SECRETS["application_id"], invalid),
            (len(body["to"]) == 1, invalid),
            (bool(re.fullmatch(r"\+[1-9][0-9]{6,14}", body["to"][0])), invalid),
            (bool(body["from"]), invalid),
            (0 < len(body["text"]) <= 2048, invalid),
            (len(body["tag"]) <= 1024, invalid),
        )

    def reported(self, request: Request) -> Reported:
        return Reported(reference=request.json()["tag"])

    def read(self, request: Request) -> Sent:
        body = request.json()
        return Sent(body["to"][0].removeprefix("+"), body["text"], body["from"])

    def accept(self, request: Request, number: int) -> Answer:
        message = {"id": f"15892828{number:06}lkjhgf", "direction": "out", "segmentCount": 1}
        return Answer(202, {**request.json(), **message})

    def refuse(self, scripted: Scripted) -> Answer:
        if not scripted.code:
            return Answer(scripted.status, PAGE)
        return self._error(scripted.status, scripted.code)

    def _error(self, status: int, kind: str) -> Answer:
        return Answer(status, {"type": kind, "description": "…"})
