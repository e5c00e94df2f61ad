"""Jasmin's HTTP API: jookies/jasmin, jasmin/protocols/http/endpoints/send.py."""

import re

from campaign_common.domain.sms_segments import Encoding, segmentation
from tests.support.providers.vendors.vendor import (
    SECRETS,
    Answer,
    Reported,
    Request,
    Scripted,
    Sent,
    Vendor,
    first_wrong,
)

FIELDS = {"username", "password", "from", "to", "coding"}


class Jasmin(Vendor):
    path = "/send"

    def wrong(self, request: Request) -> Answer | None:
        form = request.form()
        signed_in = (form.get("username"), form.get("password"))
        of_callbacks = self.of_callbacks("dlr", "dlr-url", "dlr-level", "dlr-method")
        contents = set(form) - FIELDS - of_callbacks
        both = "content and hex-content cannot be used both in same request."
        neither = "content or hex-content not present."
        return first_wrong(
            (request.path == self.path, Answer(404, "No Such Resource")),
            (bool(re.fullmatch(r"\+?\d+", form.get("to", ""))), _error(400, "Argument [to] …")),
            (contents < {"content", "hex-content"}, _error(400, both)),
            (bool(contents), _error(400, neither)),
            (
                signed_in == (SECRETS["username"], SECRETS["password"]),
                _error(403, f"Authentication failure for username:{form.get('username')}"),
            ),
            (
                form.get("coding") == ("0" if "content" in form else "8"),
                _error(400, "Argument [coding] …"),
            ),
            (self._fits(form), _error(400, "Argument [content] …")),
            (of_callbacks <= set(form), _error(400, "Argument [dlr-url] …")),
            (form.get("dlr", "yes") in ("yes", "no"), _error(400, "Argument [dlr] …")),
            (form.get("dlr-level", "2") in ("1", "2", "3"), _error(400, "Argument [dlr-level] …")),
            (
                form.get("dlr-method", "POST") in ("GET", "POST"),
                _error(400, "Argument [dlr-method] …"),
            ),
        )

    def _fits(self, form: dict[str, str]) -> bool:
        if "content" in form:
            return segmentation(form["content"]).encoding is Encoding.GSM7
        return bool(re.fullmatch(r"([0-9a-fA-F]{4})+", form["hex-content"]))

    def reported(self, request: Request) -> Reported:
        return Reported(request.form()["dlr-url"])

    def read(self, request: Request) -> Sent:
        form = request.form()
        text = form.get("content") or bytes.fromhex(form["hex-content"]).decode("utf-16-be")
        return Sent(form["to"].removeprefix("+"), text, form["from"])

    def accept(self, _: Request, number: int) -> Answer:
        return Answer(200, f'Success "07033084-5cfd-4812-90a4-{number:012x}"')

    def refuse(self, scripted: Scripted) -> Answer:
        return _error(scripted.status, scripted.code)


def _error(status: int, reason: str) -> Answer:
    return Answer(status, f'Error "{reason}"')
