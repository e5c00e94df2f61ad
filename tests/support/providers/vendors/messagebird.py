"""MessageBird's SMS Messaging API: messagebird 2.2.0, and ResponseError.php of its PHP client."""

from campaign_common.domain.sms_segments import Encoding, segmentation
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

FIELDS = {"originator", "recipients", "body", "datacoding", "reference"}
DATACODINGS = {Encoding.GSM7: "plain", Encoding.UCS2: "unicode"}


class MessageBird(Vendor):
    path = "/messages"

    def wrong(self, request: Request) -> Answer | None:
        if not request.signed_in(f"AccessKey {SECRETS['access_key']}"):
            return self._error(401, 2)
        if request.path != self.path:
            return self._error(404, 20)
        if not request.is_json() or set(request.json()) != FIELDS:
            return self._error(422, 9)
        body = request.json()
        invalid = self._error(422, 10)
        return first_wrong(
            (len(body["recipients"]) == 1 and body["recipients"][0].isdigit(), invalid),
            (body["datacoding"] == DATACODINGS[segmentation(body["body"]).encoding], invalid),
            (0 < len(body["body"]) <= 1377, invalid),
            (bool(body["originator"]), invalid),
        )

    def reported(self, request: Request) -> Reported:
        return Reported(reference=request.json()["reference"])

    def read(self, request: Request) -> Sent:
        body = request.json()
        return Sent(body["recipients"][0], body["body"], body["originator"])

    def accept(self, request: Request, number: int) -> Answer:
        body = request.json()
        item = {"recipient": int(body["recipients"][0]), "status": "sent"}
        recipients = {"totalCount": 1, "totalSentCount": 1, "items": [item]}
        return Answer(201, {**body, "id": f"{number:032x}", "recipients": recipients})

    def refuse(self, scripted: Scripted) -> Answer:
        if not scripted.code:
            return Answer(scripted.status, PAGE)
        return self._error(scripted.status, int(scripted.code))

    def _error(self, status: int, code: int) -> Answer:
        return Answer(status, {"errors": [{"code": code, "description": "…", "parameter": None}]})
