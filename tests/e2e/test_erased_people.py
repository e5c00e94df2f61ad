"""Somebody who was erased and comes with the next file: no service sends anything to them."""

from pathlib import Path
from typing import Any

import requests
import yaml

from tests.support.services.previous_version import NEIGHBOUR, PreviousVersion
from tests.support.services.system import System
from tests.support.waiting import wait_until

FIRST, SECOND = 1000000000, 1000000001
PHONES = [str(13961467500 + n) for n in range(300)]
PERSON = PHONES[7]
CSV = "".join(f"user{n},{phone}\n" for n, phone in enumerate(PHONES))

ERASURE = {"Keys": [{"Value": "0" * 64}]}

LEDGER = " UNION ALL ".join(
    f"SELECT status, error_code, provider_message_id, attempts FROM messages_{n}"
    f" WHERE campaign_id = {SECOND} AND status <> 1"
    for n in range(8)
)


def erase(system: System) -> None:
    answer = requests.delete(f"{system.url}/v1/recipients/{PERSON}", timeout=30)
    assert answer.status_code == 202, answer.text
    assert answer.json()["leaves_hash"] is True


def suppress(system: System, topic: str) -> None:
    """Import a suppression, which leaves no change whose age an erasure would wait for."""
    answer = requests.post(
        f"{system.url}/v1/suppressions.csv?scope=topic:{topic}",
        data=f"phone\n{PERSON}\n",
        headers={"Content-Type": "text/csv"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text


def send_to_reconsented(system: System, topic: str) -> int:
    """Import everybody again, as people who have consented to it, and send them a campaign."""
    imported = requests.post(
        f"{system.url}/v1/recipient-lists?name=again&reconsented=true",
        data=CSV,
        headers={"Content-Type": "text/csv"},
        timeout=30,
    )
    assert imported.status_code == 201, imported.text
    body = {"name": topic, "template": "hi {name}", "topic": topic}
    made = requests.post(
        f"{system.url}/v1/campaigns",
        json={**body, "recipient_list_id": imported.json()["id"]},
        timeout=30,
    )
    assert made.status_code == 201, made.text
    campaign_id = int(made.json()["id"])
    system.change(campaign_id, "start")
    system.wait_until_finished(campaign_id)
    return campaign_id


def counts(system: System, campaign_id: int) -> dict[str, int]:
    found: Any = system.campaign(campaign_id)["counts"]
    return {word: n for word, n in found.items() if n}


def everything(system: System) -> str:
    tables = [row[0] for row in system.rows("SHOW TABLES")]
    return str([system.rows(f"SELECT * FROM {table}") for table in tables])


def test_an_erased_person_ends_as_suppressed(system: System) -> None:
    system.configure(Erasure=ERASURE)
    system.write_csv(CSV)
    with system.services():
        system.create(FIRST, "recipients.csv")
        system.wait_until_finished(FIRST)
        assert counts(system, FIRST) == {"sent": len(PHONES)}
        suppress(system, "offers")
        erase(system)
        wait_until(lambda: system.rows("SELECT COUNT(ended_at) FROM erasures") == ((1,),))
        system.create(SECOND, "recipients.csv")
        system.wait_until_finished(SECOND)
        assert counts(system, SECOND) == {"sent": len(PHONES) - 1, "suppressed": 1}
        listing = requests.get(
            f"{system.url}/v1/campaigns/{SECOND}/messages?status=suppressed", timeout=30
        )
        (message,) = listing.json()["messages"]
        assert (message["phone"], message["error_code"]) == (None, "erased")
        assert system.rows(LEDGER) == ((4, "erased", None, 0),)
        assert PERSON not in everything(system)
        # Who has consented again is still not written to about what was suppressed before.
        campaign_id = send_to_reconsented(system, "offers")
        assert counts(system, campaign_id) == {"sent": len(PHONES) - 1, "suppressed": 1}
    assert PERSON not in system.logs()


def test_services_of_0_2_0_send_nothing_to_them_either(system: System, tmp_path: Path) -> None:
    """A new API beside an old scheduler and sender: the old ones find nobody to send to."""
    previous = PreviousVersion(tmp_path, NEIGHBOUR)
    older = tmp_path / "older"
    older.mkdir()
    config = older / "campmgr.yaml"
    config.write_text(yaml.safe_dump(system.configuration()))
    system.configure(Erasure=ERASURE)
    system.write_csv(CSV)
    with (
        previous.running("campaign-scheduler", config),
        previous.running("campaign-sender", config),
        system.run("campaign-api"),
    ):
        wait_until(system.is_ready)
        erase(system)
        system.create(SECOND, "recipients.csv")
        system.wait_until_finished(SECOND)
        assert counts(system, SECOND) == {"sent": len(PHONES) - 1, "cancelled": 1}
        assert PERSON not in str(system.rows("SELECT * FROM recipients"))
    assert PERSON not in (next(older.glob("*sender*.log"))).read_text()
