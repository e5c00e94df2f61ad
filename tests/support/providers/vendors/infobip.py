"""Infobip's SMS API, version 3.

https://www.infobip.com/docs/api/channels/sms, infobip-api-python-client 6.0.0
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

GROUPS = {"PENDING": 1, "UNDELIVERABLE": 2, "DELIVERED": 3, "EXPIRED": 4, "REJECTED": 5}
TEMPORARY = ", temporary"
"""The end of a scripted code whose error says that it is not permanent."""


class Infobip(Vendor):
    path = "/sms/3/messages"

    def wrong(self, request: Request) -> Answer | None:
        if not request.signed_in(f"App {SECRETS['api_key']}"):
            return self.refuse(Scripted(401, "UNAUTHORIZED"))
        bad = self.refuse(Scripted(400, "BAD_REQUEST"))
        if request.path != self.path or not request.is_json():
            return bad
        (message,) = request.json().get("messages", [{}])
        (destination,) = message.get("destinations", [{}])
        of_callbacks = self.of_callbacks("delivery", "contentType")
        return first_wrong(
            (set(message) == {"sender", "destinations", "content", "webhooks"}, bad),
            (
                set(message["webhooks"]) == {"callbackData", *of_callbacks},
                bad,
            ),
            (destination.get("to", "").isdigit(), bad),
            (0 < len(destination.get("messageId", "")) <= 200, bad),
            (0 < len(message["content"].get("text", "")) <= 4000, bad),
            (len(message["webhooks"].get("callbackData", "")) <= 4000, bad),
        )

    def reported(self, request: Request) -> Reported:
        (message,) = request.json()["messages"]
        webhooks = message["webhooks"]
        return Reported(webhooks["delivery"]["url"], webhooks["callbackData"])

    def read(self, request: Request) -> Sent:
        (message,) = request.json()["messages"]
        (destination,) = message["destinations"]
        return Sent(destination["to"], message["content"]["text"], message["sender"])

    def accept(self, request: Request, _: int) -> Answer:
        (message,) = request.json()["messages"]
        (destination,) = message["destinations"]
        return _answer("PENDING_ACCEPTED", message_id=destination["messageId"])

    def refuse(self, scripted: Scripted) -> Answer:
        if not scripted.code:
            return Answer(scripted.status, PAGE)
        if scripted.status == 200:
            return _answer(scripted.code)
        if scripted.code.startswith("E"):
            error = {"errorCode": scripted.code, "description": "…", "action": "…"}
            return Answer(scripted.status, {**error, "violations": [], "resources": []})
        exception = {"messageId": scripted.code, "text": "…"}
        return Answer(scripted.status, {"requestError": {"serviceException": exception}})


def _answer(name: str, message_id: str = "2250be2d4219-3af1-78856-aabe") -> Answer:
    name, temporary, _ = name.partition(TEMPORARY)
    group = "REJECTED" if name == "MISSING_TO" else name.partition("_")[0]
    status = {"groupId": GROUPS[group], "groupName": group, "id": 7, "name": name}
    message = {"messageId": message_id, "status": status, "destination": "41793026727"}
    if group != "PENDING":
        error = {"groupId": 2, "groupName": "USER_ERRORS", "id": 6, "name": "EC_…"}
        message["error"] = {**error, "permanent": not temporary}
    return Answer(200, {"bulkId": "2034072219640523073", "messages": [message]})
