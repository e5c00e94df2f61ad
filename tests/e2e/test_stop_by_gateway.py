"""A person who says STOP, through a real gateway: Kannel, and behind it jsmpp's message centre."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from campaign_providers.callbacks.references import ReferencePurpose, ReferenceSigner
from tests.support.providers.pages import read_page
from tests.support.servers.databases import DatabaseServers, SchemaServer
from tests.support.servers.kannel import PASSWORD, USER, running_kannel
from tests.support.servers.smpp_relay import SmppRelay, running_relay
from tests.support.servers.smsc import MessageCentre, ReceivedMessage
from tests.support.services.system import System
from tests.support.waiting import wait_until

FIRST, SECOND, THIRD = 1000000001, 1000000002, 1000000003
OURS = "4915199990000"
RECIPIENTS = 12
PHONES = [str(4915177000000 + n) for n in range(RECIPIENTS)]
PERSON = PHONES[5]
SECRET = "a secret of our references"
CONFIRMED = "You get nothing more from us."
WELCOME = "You hear from us again."


@pytest.fixture
def database_server(database_servers: DatabaseServers) -> SchemaServer:
    """One flavour: statements are shown on both where keywords have their effects."""
    return database_servers.get("mariadb")


@pytest.fixture
def relay(message_centre: MessageCentre) -> Iterator[SmppRelay]:
    with running_relay(message_centre.port) as relay:
        yield relay


def get(system: System, path: str) -> Any:  # noqa: ANN401 - any JSON
    answer = requests.get(f"{system.url}/v1/{path}", timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def keys(url: str) -> dict[str, Any]:
    return {
        **read_page("kannel").keys,
        "Url": url,
        "From": OURS,
        "Timeout": "5s",
        "AllowedNetworks": ["127.0.0.0/8"],
        "Secrets": {"username": {"Value": USER}, "password": {"Value": PASSWORD}},
    }


def inbound_url(system: System) -> str:
    reference = ReferenceSigner("kannel", [SECRET.encode()]).make(ReferencePurpose.INBOUND)
    fields = "from=%p&to=%P&text=%a&id=%I&at=%T"
    return f"{system.url}/v1/inbound/kannel?m={reference}&{fields}"


def send(system: System, campaign: int, text: str) -> dict[str, int]:
    """Send a campaign to everybody, and count its outcomes."""
    system.create(campaign, "recipients.csv", text)
    system.wait_until_finished(campaign)
    counts = get(system, f"campaigns/{campaign}")["counts"]
    return {word: n for word, n in counts.items() if n and word not in {"total", "recipients"}}


def test_who_says_stop_is_left_out_of_the_next_campaign(
    system: System,
    kannel_programs: Path,
    message_centre: MessageCentre,
    relay: SmppRelay,
    tmp_path: Path,
) -> None:
    """A campaign, its receipts, a STOP, and a campaign without the person; START undoes it."""
    folder = tmp_path / "kannel"
    folder.mkdir()
    system.write_csv("".join(f"user{n},{phone}\n" for n, phone in enumerate(PHONES)))
    with running_kannel(kannel_programs, folder, relay, inbound_url=inbound_url(system)) as gateway:
        system.configure(
            Provider="kannel",
            Providers={"kannel": keys(gateway.url)},
            Callbacks={"BaseUrl": system.url, "Secrets": [{"Value": SECRET}]},
            Inbound={"Answers": {"stop": CONFIRMED, "start": WELCOME}},
        )
        with system.services():
            assert send(system, FIRST, "first") == {"sent": RECIPIENTS}

            def receipts() -> dict[str, int]:
                found: dict[str, int] = get(system, f"campaigns/{FIRST}")["receipts"]
                return {rank: n for rank, n in found.items() if n}

            wait_until(lambda: receipts() == {"delivered": RECIPIENTS})

            relay.say(PERSON, OURS, "Stop!")
            (stop,) = inbound_of(system, PERSON, 1)
            assert (stop["keyword"], stop["unsure"]) == ("stop", False)
            of_person = get(system, f"suppressions/{PERSON}")
            assert [(s["scope"], s["source"], s["reason"]) for s in of_person["suppressions"]] == [
                ("*", "inbound", "stop")
            ]
            relay.say(PHONES[6], OURS, "Do not stop the music")
            (unsure,) = inbound_of(system, PHONES[6], 1)
            assert (unsure["keyword"], unsure["unsure"]) == ("stop", True)

            others = {"sent": RECIPIENTS - 1, "suppressed": 1}
            assert send(system, SECOND, "second") == others
            (message,) = get(system, f"campaigns/{SECOND}/messages?status=suppressed")["messages"]
            assert (message["phone"], message["error_code"]) == (PERSON, "suppressed")

            relay.say(PERSON, OURS, "START")
            inbound_of(system, PERSON, 2)
            assert get(system, f"suppressions/{PERSON}")["suppressions"] == []
            assert send(system, THIRD, "third") == {"sent": RECIPIENTS}

            expected = ["first", CONFIRMED, WELCOME, "third"]
            wait_until(lambda: len(received(message_centre)) >= len(expected))
            assert sorted(m.text for m in received(message_centre)) == sorted(expected)
            assert {m.sender for m in received(message_centre)} == {OURS}


def inbound_of(system: System, phone: str, number: int) -> list[dict[str, Any]]:
    """Return what a person has said, when it is so many messages."""

    def found() -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = get(system, f"inbound?phone={phone}")["inbound"]
        return messages

    wait_until(lambda: len(found()) >= number)
    assert len(found()) == number
    return found()


def received(message_centre: MessageCentre) -> list[ReceivedMessage]:
    """Return what the person has got."""
    return [message for message in message_centre.messages() if message.phone == PERSON]
