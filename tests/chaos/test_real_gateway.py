"""A campaign through a real gateway: Kannel, and behind it a message centre that speaks SMPP."""

from collections import Counter
from pathlib import Path

import pytest

from campaign_common.domain.message import Status
from tests.chaos.scene import CAMPAIGN, FIRST_PHONE, Scene
from tests.support.providers.pages import read_page
from tests.support.servers.kannel import PASSWORD, USER, Kannel
from tests.support.servers.smsc import MessageCentre, ReceivedMessage
from tests.support.waiting import wait_until

SENDER = "Shop"
TEXT = "Hi {name}, {{to}} [{town}] 5 €"
TOWNS = ("Köln", "Łódź", "Москва", "البصرة", "札幌", "A\u030astorp", "🌊 & 'more' + \"50 %\"")
"""The first is of the GSM alphabet, the others are not: Kannel is told so for each message."""


def expected(recipients: int) -> dict[str, str]:
    """Texts by phone number."""
    return {
        str(FIRST_PHONE + n): f"Hi user{n}, {{to}} [{TOWNS[n % len(TOWNS)]}] 5 €"
        for n in range(recipients)
    }


def write_list(scene: Scene, recipients: int) -> None:
    scene.phones = list(expected(recipients))
    quoted = [town.replace('"', '""') for town in TOWNS]
    scene.system.write_csv(
        "name,phone,town\n"
        + "".join(
            f'user{n},{phone},"{quoted[n % len(TOWNS)]}"\n' for n, phone in enumerate(scene.phones)
        )
    )


@pytest.fixture
def gateway(scene: Scene, kannel: Kannel, tmp_path: Path) -> Kannel:
    """The gateway, entered as its page says."""
    page = read_page("kannel")
    secret = tmp_path / "kannel-password"
    secret.write_text(f"{PASSWORD}\n")
    keys = {
        **page.keys,
        "Url": kannel.url,
        "From": SENDER,
        "AllowedNetworks": ["127.0.0.0/8"],
        "Secrets": {"username": {"Value": USER}, "password": {"File": str(secret)}},
        "Timeout": "20s",
    }
    scene.system.configure(Provider=page.name, Providers={page.name: keys})
    return kannel


@pytest.mark.usefixtures("gateway")
def test_a_campaign_arrives_at_the_message_centre(
    scene: Scene, message_centre: MessageCentre
) -> None:
    """Everybody's message is there once, bit for bit, and its row in the ledger says so."""
    recipients = scene.scale.choose(2_000, 20_000)
    write_list(scene, recipients)
    scene.start_all()
    scene.system.create(CAMPAIGN, "recipients.csv", TEXT)
    patience = scene.scale.patience(120)
    wait_until(scene.has_finished, patience)
    assert Counter(scene.statuses(CAMPAIGN).values()) == {Status.SENT: recipients}
    texts = expected(recipients)

    def arrived() -> list[ReceivedMessage]:
        return [message for message in message_centre.messages() if message.phone in texts]

    wait_until(lambda: len(arrived()) >= recipients, patience, interval=0.5)
    assert {message.sender for message in arrived()} == {SENDER}
    assert {message.phone: message.text for message in arrived()} == texts
    assert len(arrived()) == recipients, "somebody has got the message twice"
