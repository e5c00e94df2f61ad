"""Meta's Cloud API of WhatsApp: template messages.

https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
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

LONGEST_CALLBACK_DATA = 512


class WhatsAppCloud(Vendor):
    path = f"/v23.0/{SECRETS['phone_number_id']}/messages"

    def wrong(self, request: Request) -> Answer | None:
        if not request.signed_in(f"Bearer {SECRETS['access_token']}"):
            return self._error(401, 190)
        if request.path != self.path:
            return self._error(400, 33)
        if not request.is_json():
            return self._error(400, 100)
        body = request.json()
        template = body.get("template", {})
        (component,) = template.get("components", [{}])
        parameters = component.get("parameters")
        return first_wrong(
            (body.get("messaging_product") == "whatsapp", self._error(400, 100)),
            (body.get("recipient_type") == "individual", self._error(400, 100)),
            (str(body.get("to", "")).isdigit(), self._error(400, 131009)),
            (body.get("type") == "template", self._error(400, 131051)),
            (bool(template.get("name")), self._error(400, 132001)),
            (bool(template.get("language", {}).get("code")), self._error(400, 132001)),
            (component.get("type") == "body", self._error(400, 132012)),
            (
                isinstance(parameters, list)
                and all(set(each) == {"type", "text"} and each["text"] for each in parameters),
                self._error(400, 132000),
            ),
            (
                len(body.get("biz_opaque_callback_data", "")) <= LONGEST_CALLBACK_DATA,
                self._error(400, 100),
            ),
        )

    def reported(self, request: Request) -> Reported:
        return Reported(reference=request.json()["biz_opaque_callback_data"])

    def read(self, request: Request) -> Sent:
        body = request.json()
        (component,) = body["template"]["components"]
        text = "\n\n".join(each["text"] for each in component["parameters"])
        return Sent(body["to"], text, "")

    def accept(self, request: Request, number: int) -> Answer:
        to = request.json()["to"]
        return Answer(
            200,
            {
                "messaging_product": "whatsapp",
                "contacts": [{"input": to, "wa_id": to}],
                "messages": [{"id": f"wamid.HBgL{number:024X}", "message_status": "accepted"}],
            },
        )

    def refuse(self, scripted: Scripted) -> Answer:
        if not scripted.code:
            return Answer(scripted.status, PAGE)
        return self._error(scripted.status, int(scripted.code))

    def _error(self, status: int, code: int) -> Answer:
        details = {"messaging_product": "whatsapp", "details": "…"}
        error = {"message": f"(#{code}) …", "type": "OAuthException", "code": code}
        return Answer(status, {"error": {**error, "error_data": details, "fbtrace_id": "A1"}})
