"""Telnyx's Messaging API, version 2, with its idempotency keys.

https://developers.telnyx.com/docs/messaging/messages/error-codes, telnyx 4.189.0
"""

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
    first_wrong,
)

KEY = re.compile(r"[A-Za-z0-9_:-]{1,255}")
RESET_SECONDS = 2
OTHER_BODY = Answer(422, {"errors": [{"title": "Idempotency key reused with another request"}]})
"""The wording is not documented."""


class Telnyx(Vendor):
    path = "/v2/messages"

    def __init__(self) -> None:
        self._answers: dict[str, tuple[bytes, Answer]] = {}

    def wrong(self, request: Request) -> Answer | None:
        key = request.headers.get("idempotency-key", "")
        if not request.signed_in(f"Bearer {SECRETS['api_key']}"):
            return self._error(401, "10009")
        if request.path != self.path:
            return self._error(404, "10005")
        if not request.is_json() or set(request.json()) != self._fields():
            return self._error(400, "10004")
        body = request.json()
        before = self._answers.get(key, (request.body, None))[0]
        return first_wrong(
            (bool(KEY.fullmatch(key)), self._error(400, "10015")),
            (before == request.body, OTHER_BODY),
            (bool(re.fullmatch(r"\+[1-9][0-9]{6,14}", body["to"])), self._error(400, "40310")),
            (bool(body["from"]), self._error(400, "40305")),
            (bool(body["text"]), self._error(400, "40316")),
            (len(body["text"]) <= 1530, self._error(400, "40302")),
        )

    def _fields(self) -> set[str]:
        return {"from", "to", "text"} | self.of_callbacks("webhook_url")

    def reported(self, request: Request) -> Reported:
        return Reported(request.json()["webhook_url"])

    def read(self, request: Request) -> Sent:
        body = request.json()
        return Sent(body["to"].removeprefix("+"), body["text"], body["from"])

    def known(self, request: Request) -> Answer | None:
        return self._answers.get(request.headers["idempotency-key"], (b"", None))[1]

    def accept(self, request: Request, number: int) -> Answer:
        data = {
            "id": f"40385f64-5717-4562-b3fc-{number:012x}",
            "record_type": "message",
            "direction": "outbound",
            "to": [{"phone_number": request.json()["to"], "status": "queued"}],
            "errors": [],
        }
        answer = Answer(200, {"data": data})
        self._answers[request.headers["idempotency-key"]] = request.body, answer
        return answer

    def refuse(self, scripted: Scripted) -> Answer:
        if scripted == (422, ""):
            return OTHER_BODY
        if not scripted.code:
            return Answer(scripted.status, PAGE)
        return self._error(scripted.status, scripted.code)

    def _error(self, status: int, code: str) -> Answer:
        headers = {"x-ratelimit-reset": str(RESET_SECONDS)} if status == 429 else {}
        error = {"code": code, "title": "…", "detail": "…"}
        return Answer(status, {"errors": [error]}, headers)
