"""Text of a check for a terminal."""

from collections.abc import Sequence
from typing import Any


def printable(text: str) -> str:
    """Return a text without what a terminal would obey: a gateway writes what it likes."""
    return "".join(
        one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode()
        for one in text.replace("\r\n", "\n")
    )


def described(made: dict[str, Any]) -> str:
    """Return a check that has ended as text, which is not `printable` yet."""
    return "\n".join(_lines(made))


def _lines(made: dict[str, Any]) -> list[str]:
    lines = []
    request, answer, reading = made["request"], made["answer"], made["reading"]
    if request is not None:
        lines += [f"{request['method']} {request['url']}", *_headers(request["headers"])]
        lines += ["", *([request["body"], ""] if request["body"] else [])]
    if made["note"] is not None:
        lines += [made["note"]]
    if made["problem"] is not None:
        begin = {"refused": "Nothing was sent: ", "expired": "Nothing was sent: "}
        lines.append(f"{begin.get(made['state'], 'Unknown: ')}{made['problem']}")
    elif made["dry_run"]:
        lines.append(f"Nothing was sent: a dry run, made by {made['sender']}.")
    if reading is None:
        taken = made["problem"] is not None and made["sender"] is not None
        return [*lines, *([f"Taken by {made['sender']}."] if taken else [])]
    if answer is not None:
        lines += [f"Answer after {answer['seconds']:.3f} s: {answer['status']}"]
        lines += [*_headers(answer["headers"]), ""]
        if answer["body"] is None:
            lines += ["(a body longer than 64 KiB, or with a Content-Encoding, is not read)", ""]
        elif answer["body"]:
            more = " (cut)" if answer["is_cut"] else ""
            lines += [f"{answer['body'].rstrip()}{more}", ""]
    elif request is not None:
        lines += [f"No answer: {reading['error_code']}", ""]
    return [*lines, *_reading(reading), f"Made by {made['sender']}."]


def _headers(headers: Sequence[dict[str, str]]) -> list[str]:
    return [f"{header['name']}: {header['value']}" for header in headers]


def _reading(reading: dict[str, Any]) -> list[str]:
    lines = [f"Read as {reading['word']}, by {reading['rule'] or 'no rule'}"]
    values = {
        "id at the provider": reading["provider_message_id"],
        "error code": reading["error_code"],
        "seconds to wait": reading["retry_after"],
        "suppress": "yes" if reading["suppress"] else None,
    }
    return [*lines, *(f"  {name}: {value}" for name, value in values.items() if value is not None)]
