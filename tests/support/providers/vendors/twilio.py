"""Twilio's Messages resource.

https://www.twilio.com/docs/messaging/api/message-resource, https://www.twilio.com/docs/api/errors
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
    basic,
    first_wrong,
)

SENDER = re.compile(r"\+[1-9][0-9]{6,14}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}|[0-9]{5,6}")


class Twilio(Vendor):
    path = f"/2010-04-01/Accounts/{SECRETS['account_sid']}/Messages.json"

    def wrong(self, request: Request) -> Answer | None:
        form = request.form()
        to, sender, text = (form.get(name, "") for name in ("To", "From", "Body"))
        return first_wrong(
            (request.path == self.path, self._error(404, 20404)),
            (request.signed_in(basic("account_sid", "auth_token")), self._error(401, 20003)),
            (request.is_form(), self._error(400, 21604)),
            (
                set(form) == {"To", "From", "Body"} | self.of_callbacks("StatusCallback"),
                self._error(400, 21604),
            ),
            (bool(re.fullmatch(r"\+[1-9][0-9]{6,14}", to)), self._error(400, 21211)),
            (bool(SENDER.fullmatch(sender)), self._error(400, 21212)),
            (bool(text), self._error(400, 21602)),
            (len(text) <= 1600, self._error(400, 21617)),
        )

    def reported(self, request: Request) -> Reported:
        return Reported(request.form()["StatusCallback"])

    def read(self, request: Request) -> Sent:
        form = request.form()
        return Sent(form["To"].removeprefix("+"), form["Body"], form["From"])

    def accept(self, _: Request, number: int) -> Answer:
        sid = f"SM{number:032x}"
        return Answer(
            201,
            {"sid": sid, "status": "queued", "error_code": None, "num_segments": "1"},
        )

    def refuse(self, scripted: Scripted) -> Answer:
        if not scripted.code:
            return Answer(scripted.status, PAGE)
        return self._error(scripted.status, int(scripted.code))

    def _error(self, status: int, code: int) -> Answer:
        more = f"https://www.twilio.com/docs/errors/{code}"
        return Answer(status, {"code": code, "message": "…", "more_info": more, "status": status})
