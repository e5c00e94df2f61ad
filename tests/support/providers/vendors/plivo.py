"""Plivo's Message API: https://docs.plivo.com/docs/messaging/api/response, plivo 4.63.0."""

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


class Plivo(Vendor):
    path = f"/v1/Account/{SECRETS['auth_id']}/Message/"

    def wrong(self, request: Request) -> Answer | None:
        if not request.signed_in(basic("auth_id", "auth_token")):
            return self._error(401)
        if request.path != self.path:
            return self._error(404)
        if not request.is_json() or set(request.json()) != self._fields():
            return self._error(400)
        body = request.json()
        return first_wrong(
            (body["dst"].isdigit(), self._error(400)),
            (bool(body["src"]) and body["src"] != body["dst"], self._error(400)),
            (0 < len(body["text"]) <= 1600, self._error(400)),
        )

    def _fields(self) -> set[str]:
        return {"src", "dst", "text"} | self.of_callbacks("url")

    def reported(self, request: Request) -> Reported:
        return Reported(request.json()["url"])

    def read(self, request: Request) -> Sent:
        body = request.json()
        return Sent(body["dst"], body["text"], body["src"])

    def accept(self, _: Request, number: int) -> Answer:
        uuid = f"db3ce55a-7f1d-11e1-8ea7-{number:012x}"
        return Answer(
            202, {"message": "message(s) queued", "message_uuid": [uuid], "api_id": "ea1"}
        )

    def refuse(self, scripted: Scripted) -> Answer:
        return (
            self._error(scripted.status)
            if scripted.status >= 400
            else Answer(scripted.status, PAGE)
        )

    def _error(self, status: int) -> Answer:
        return Answer(status, {"api_id": "ea1", "error": "…"})
