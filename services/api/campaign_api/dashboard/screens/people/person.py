"""S11, a person: everything sent and received; suppress, lift, erase."""

from typing import Any

from flask import Response, request
from werkzeug.datastructures import MultiDict

from campaign_api.dashboard.pages import (
    NO_VALUES,
    DashboardPages,
    read_fields,
    redirected,
    url,
)
from campaign_api.dashboard.problems import PageProblem
from campaign_api.dashboard.screens.people.changes import lift, suppress
from campaign_api.dashboard.screens.people.numbers import require_digits
from campaign_api.dashboard.shown import Shown
from campaign_api.errors import InvalidField, RequestInvalid
from campaign_api.schemas.message import PersonMessageParameters
from campaign_api.schemas.people.inbound import InboundPageParameters
from campaign_api.web.caller import Scope, caller
from campaign_api.web.http.paging import encode
from campaign_common.domain.message import FINAL
from campaign_common.store.inbound.inbound_listing import InboundFilter
from campaign_common.store.recipients.erasures import ErasureStep

LIMIT = 20
"""Messages and inbound messages of one page."""

SUPPRESS, LIFT = "suppress", "lift"
"""Values of the field `do`: what a form of the page does."""


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the page of a person, and its forms.

    What is kept of a form that was carried out has no number: it sends the browser to the page it
    came from by a relative reference (RFC 3986, section 4.2), or to the search.
    """

    def show(
        phone: str, problem: PageProblem | None = None, form: MultiDict[str, str] = NO_VALUES
    ) -> Response:
        digits = require_digits(phone)
        after = {
            name: read_fields(schema, MultiDict({"cursor": request.args.get(name, "")}))
            for name, schema in (
                ("messages", PersonMessageParameters(exclude=("phone",))),
                ("inbound", InboundPageParameters(exclude=("phone",))),
            )
        }
        messages_after, inbound_after = after["messages"].get("cursor"), after["inbound"]["after"]
        messages = shown.people.messages.messages(digits, messages_after, LIMIT)
        wanted = InboundFilter(phone=digits)
        inbound = shown.people.inbound.page(wanted, inbound_after, LIMIT)
        is_later = messages_after is not None or inbound_after is not None
        return pages.render(
            "people/person.html",
            problem=problem,
            form=form,
            phone=digits,
            **_suppressed(shown, digits),
            messages=messages.items,
            messages_next=url("person", phone=digits, messages=encode(messages.next))
            if messages.next
            else None,
            inbound=inbound.items,
            inbound_next=url("person", phone=digits, inbound=encode(inbound.next_key))
            if inbound.next_key
            else None,
            first=url("person", phone=digits) if is_later else None,
            done=request.args.get("done"),
            scopes=suggested_scopes(shown),
        )

    @pages.page("/people/<phone>")
    def person(phone: str) -> Response:
        return show(phone)

    @pages.form("/people/<phone>", refused=show)
    def change_person(phone: str) -> Response:
        fields = {**request.form.to_dict(), "phone": require_digits(phone)}
        work = {SUPPRESS: suppress, LIFT: lift}.get(fields.get("do", ""))
        if work is None:
            raise RequestInvalid([InvalidField("do", f"must be {SUPPRESS} or {LIFT}")])
        work(shown.people.suppressions, fields)
        return redirected(f"?done={fields['do']}")

    def ask(
        phone: str, problem: PageProblem | None = None, form: MultiDict[str, str] = NO_VALUES
    ) -> Response:
        del form
        digits = require_digits(phone)
        messages = shown.people.messages.messages(digits, None, LIMIT)
        final = {status.word for status in FINAL}
        return pages.render(
            "people/erase.html",
            problem=problem,
            phone=digits,
            is_waited_for=any(each["status"] not in final for each in messages.items),
            suppressions=shown.people.suppressions.of_person(digits)["suppressions"],
        )

    @pages.page("/people/<phone>/erase", scope=Scope.ADMIN)
    def ask_to_erase(phone: str) -> Response:
        return ask(phone)

    @pages.form("/people/<phone>/erase", scope=Scope.ADMIN, refused=ask)
    def erase_person(phone: str) -> Response:
        erasure, leaves_hash = shown.eraser.erase(require_digits(phone), caller().name)
        return pages.see(
            "people",
            erasure=erasure.id,
            remaining=None if erasure.step is ErasureStep.DONE else erasure.step.value,
            hash=None if leaves_hash else "no",
        )


def _suppressed(shown: Shown, phone: str) -> dict[str, Any]:
    found = shown.people.suppressions.of_person(phone)
    return {"suppressions": found["suppressions"], "changes": found["changes"]}


def suggested_scopes(shown: Shown) -> list[str]:
    """Return scopes of suppressions that the configuration knows."""
    return ["*", *(f"provider:{name}" for name in sorted(shown.settings.configured_providers))]
