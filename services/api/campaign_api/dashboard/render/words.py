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
    "importing": _("importing"),
    "sent": _("sent"),
    "expired": _("expired"),
    "unknown": _("unknown"),
    "suppressed": _("suppressed"),
    "erased": _("erased"),
    "waiting": _("waiting"),
    "not_started": _("not started"),
    "none": _("no receipt yet"),
    "no_receipt": _("no receipt in time"),
    "accepted": _("accepted"),
    "undelivered": _("undelivered"),
    "delivered": _("delivered"),
    "read": _("read"),
    "ready": _("ready"),
    "no_sender": _("no sender is running"),
    "unconfigured": _("no sender can send to it"),
    "account_refused": _("the account is refused"),
    "retry_after": _("asked to wait"),
    "circuit_open": _("left alone: its sends fail"),
    "day_used_up": _("the day is used up"),
    "pending": _("pending"),
    "given_up": _("given up"),
    "enabled": _("enabled"),
    "disabled": _("disabled"),
    "active": _("active"),
    "revoked": _("revoked"),
    "open": _("of messages without an outcome"),
    "gsm7": _("GSM 7-bit"),
    "ucs2": _("UCS-2"),
    "otherwise": _("of messages that ended otherwise"),
}


def word(of_the_api: str) -> str:
    """Return a word in the language of the request; one that is not known, as it is."""
    known = WORDS.get(of_the_api)
    return of_the_api.replace("_", " ") if known is None else gettext(known)
