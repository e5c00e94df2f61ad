"""The real gateway of the tests hands on what it is given, and refuses as its manual says."""

from collections.abc import Mapping

import pytest
import requests

from tests.support.servers.kannel import PASSWORD, REFUSED_PREFIX, USER, Kannel
from tests.support.servers.smsc import MessageCentre
from tests.support.waiting import wait_until

TEXTS = {
    "gsm": "hello {to} [a] €5 \\ ~ ^ | ñ @",
    "two-segments": "a" * 161,
    "ucs2": "héllo 😀 مرحبا",
    "two-segments-of-ucs2": "ж" * 71,
}
GOOD = {"username": USER, "password": PASSWORD, "from": "Shop", "to": "4915100000000"}


def ask(gateway: Kannel, fields: Mapping[str, str]) -> tuple[int, str]:
    answer = requests.get(gateway.url, params=dict(fields), timeout=30)
    return answer.status_code, answer.text


@pytest.mark.parametrize("name", TEXTS)
def test_texts_arrive_at_the_message_centre_as_given(
    name: str, kannel: Kannel, message_centre: MessageCentre
) -> None:
    phone = f"4915100{list(TEXTS).index(name):06}"
    coding = "2" if "ucs2" in name else "0"
    fields = {**GOOD, "to": phone, "text": TEXTS[name], "charset": "UTF-8", "coding": coding}
    assert ask(kannel, fields) == (202, "0: Accepted for delivery")
    segments = 2 if "two" in name else 1

    def arrived() -> list[tuple[str, str, int]]:
        found = [message for message in message_centre.messages() if message.phone == phone]
        return [(message.sender, message.text, message.segments) for message in found]

    wait_until(lambda: [message[2] for message in arrived()] == [segments])
    assert arrived() == [("Shop", TEXTS[name], segments)]


REFUSALS = {
    "password": ({"password": "x"}, (403, "Authorization failed for sendsms")),
    "no-recipient": ({"to": ""}, (400, "Empty receiver number not allowed, rejected")),
    "no-route": ({"to": f"{REFUSED_PREFIX}1"}, (403, "Not routable. Do not try again.")),
    "coding": ({"coding": "9"}, (400, "Coding field misformed, rejected")),
}


@pytest.mark.parametrize(("change", "answer"), REFUSALS.values(), ids=list(REFUSALS))
def test_refusals_are_worded_as_in_the_manual(
    change: Mapping[str, str], answer: tuple[int, str], kannel: Kannel
) -> None:
    assert ask(kannel, {**GOOD, "text": "hello", **change}) == answer
