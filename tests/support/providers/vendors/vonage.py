"""Vonage's SMS API, which answers 200 to refusals, too.

https://developer.vonage.com/api/sms, https://developer.vonage.com/api-errors/sms
"""

from campaign_common.domain.sms_segments import Encoding, segmentation
from tests.support.providers.vendors.vendor import (
    PAGE,
    Answer,
    Reported,
    Request,
    Scripted,
    Sent,
    Vendor,
    basic,
    first_wrong,
)

FIELDS = {"from", "to", "text", "type", "client-ref"}
TYPES = {Encoding.GSM7: "text", Encoding.UCS2: "unicode"}
LONGEST_REFERENCE = LONGEST_CALLBACK = 100


class Vonage(Vendor):
    path = "/sms/json"

    def wrong(self, request: Request) -> Answer | None:
        form = request.form()
        text = form.get("text", "")
        return first_wrong(
            (request.path == self.path, Answer(404, PAGE)),
            (request.signed_in(basic("api_key", "api_secret")), self._status("4")),
            (request.is_form(), self._status("2")),
            (
                set(form) == FIELDS | self.of_callbacks("callback") and bool(text),
                self._status("2"),
            ),
            (len(form.get("callback", "")) <= LONGEST_CALLBACK, self._status("3")),
            (form["to"].isdigit(), self._status("3")),
            (form["type"] == TYPES[segmentation(text).encoding], self._status("3")),
            (len(form["client-ref"]) <= LONGEST_REFERENCE, self._status("3")),
            (len(text) <= 3200, self._status("12")),
        )

    def reported(self, request: Request) -> Reported:
        form = request.form()
        return Reported(form["callback"], form["client-ref"])

    def read(self, request: Request) -> Sent:
        form = request.form()
        return Sent(form["to"], form["text"], form["from"])

    def accept(self, request: Request, number: int) -> Answer:
        form = request.form()
        parts = segmentation(form["text"]).segments
        messages = [
            {
                "to": form["to"],
                "message-id": f"{number:016X}{part:02}",
                "status": "0",
                "remaining-balance": "3.14159265",
                "message-price": "0.03330000",
                "network": "12345",
                "client-ref": form["client-ref"],
            }
            for part in range(parts)
        ]
        return Answer(200, {"message-count": str(parts), "messages": messages})

    def refuse(self, scripted: Scripted) -> Answer:
        if scripted.status != 200 or not scripted.code:
            return Answer(scripted.status, PAGE)
        return self._status(scripted.code)

    def _status(self, status: str) -> Answer:
        message = {"status": status, "error-text": "…"}
        return Answer(200, {"message-count": "1", "messages": [message]})
