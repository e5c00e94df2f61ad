"""Words of the API as pages show them: states, statuses, receipts, actions."""

from campaign_api.dashboard.render.languages import gettext


def _(text: str) -> str:
    """Mark a text for the catalogues, which are asked when it is shown."""
    return text


WORDS = {
    "draft": _("draft"),
    "scheduled": _("scheduled"),
    "running": _("running"),
    "paused": _("paused"),
    "finished": _("finished"),
    "cancelled": _("cancelled"),
    "failed": _("failed"),
    "sent": _("sent"),
    "expired": _("expired"),
    "unknown": _("unknown"),
    "suppressed": _("suppressed"),
    "erased": _("erased"),
    "waiting": _("waiting"),
    "pending": _("pending"),
    "none": _("no receipt yet"),
    "no_receipt": _("no receipt in time"),
    "accepted": _("accepted"),
    "undelivered": _("undelivered"),
    "delivered": _("delivered"),
    "read": _("read"),
    "open": _("of messages without an outcome"),
    "otherwise": _("of messages that ended otherwise"),
}


def word(of_the_api: str) -> str:
    """Return a word in the language of the request; one that is not known, as it is."""
    known = WORDS.get(of_the_api)
    return of_the_api.replace("_", " ") if known is None else gettext(known)
