"""Every answer that the pages of presets name ends as they promise, in the ledger."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from campaign_common.settings.presets import preset_document, preset_names
from tests.e2e.test_life import Client
from tests.support.providers.pages import Row, read_page
from tests.support.providers.presets import DOUBLES, entered
from tests.support.providers.vendors.vendor import Scripted, VendorServer
from tests.support.services.system import LOOK_AGAIN, System
from tests.support.waiting import wait_until

TAKING_TEXTS = [
    preset for preset in preset_names() if "{template.name}" not in str(preset_document(preset))
]
ENDS = {
    "success": "sent",
    "permanent": "failed",
    "permanent, suppress": "failed",
    "retryable": "sent",
    "throttled": "sent",
    "ambiguous": "unknown",
    "account": "sent",
}
"""Final states at most once, where each answer is given once, and the next one is a success."""
FIRST_PHONE = 4915100000000


class Campaign(NamedTuple):
    """A campaign to as many people as there are answers, and what becomes of each message."""

    id: int
    ends: dict[str, str]


def answers_of(rows: tuple[Row, ...]) -> Iterator[tuple[Scripted, str]]:
    """Yield answers and their words; of those that stop the whole provider only the first."""
    stopped = False
    for row in rows:
        for scripted in row.answers():
            if row.word == "account":
                if stopped:
                    continue
                stopped = True
            if scripted.code or row.word != "success":
                yield scripted, row.word


@pytest.fixture
def doubles(system: System, tmp_path: Path) -> Iterator[dict[str, VendorServer]]:
    """A double for each preset, entered as its page says."""
    with ExitStack() as stack:
        servers = {
            preset: stack.enter_context(VendorServer(DOUBLES[preset]()).running())
            for preset in TAKING_TEXTS
        }
        system.configure(
            Providers={
                preset: entered(read_page(preset), server.origin, tmp_path, Timeout="20s")
                for preset, server in servers.items()
            },
            DrainTimeout="25s",
            Retry={"BackoffBase": "200ms"},
        )
        yield servers


def begin(system: System, preset: str, server: VendorServer) -> Campaign:
    """Start a campaign whose every message meets an answer of its own."""
    client = Client(system.url)
    answers = {
        str(FIRST_PHONE + n): answer for n, answer in enumerate(answers_of(read_page(preset).rows))
    }
    for phone, (scripted, _) in answers.items():
        server.script(phone, scripted)
    uploaded = client.upload(preset, "".join(["phone\n", *(f"{p}\n" for p in answers)]).encode())
    campaign = client.do(
        "/campaigns",
        201,
        name=preset,
        template="hello",
        recipient_list_id=uploaded["id"],
        delivery="at_most_once",
    )
    with system.database.transaction() as cursor:
        cursor.execute("UPDATE campaigns SET provider = %s WHERE id = %s", (preset, campaign["id"]))
    client.do(f"/campaigns/{campaign['id']}/start")
    return Campaign(campaign["id"], {phone: ENDS[word] for phone, (_, word) in answers.items()})


def test_every_answer_ends_as_its_page_promises(
    system: System, doubles: dict[str, VendorServer]
) -> None:
    with system.services():
        client = Client(system.url)
        campaigns = [begin(system, preset, server) for preset, server in doubles.items()]

        def finished() -> bool:
            return all(
                client.read(f"/campaigns/{campaign.id}")["state"] == "finished"
                for campaign in campaigns
            )

        wait_until(finished, 120, interval=LOOK_AGAIN)
        for campaign in campaigns:
            ends = {each["phone"]: each["status"] for each in client.messages(campaign.id)}
            assert ends == campaign.ends
    assert {preset: server.wrong for preset, server in doubles.items() if server.wrong} == {}
