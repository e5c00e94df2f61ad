"""Receipts of a gateway without references, which find their messages by its ids."""

from pathlib import Path

import requests

from tests.e2e.test_receipt_wait import CALLBACKS, NAME, PASSWORD, USER, system
from tests.support.providers.recordings import RecordingProvider, recording_provider
from tests.support.services.system import System
from tests.support.waiting import wait_until

__all__ = ["system"]

BY_ID = {
    "Body": "json",
    "Id": "id",
    "Status": "status",
    "Words": {"delivered": ["ok"], "undelivered": ["no"]},
}


def test_a_receipt_finds_its_message_by_the_gateways_id(tmp_path: Path, system: System) -> None:
    """One comes before the message is recorded, as from a gateway that is faster than we are."""
    with recording_provider(tmp_path / "calls") as provider:
        system.configure(
            Callbacks={
                "BaseUrl": "https://camp.example.com",
                "Secrets": [{"Value": "a secret of our references"}],
            },
            Provider=NAME,
            Providers={NAME: without_references(provider)},
        )
        with system.services():
            report(system, "rec-1-1-0", "ok")
            system.write_csv("Ann,13900000000\nBob,13900000001\n")
            system.create(1, "recipients.csv")
            system.wait_until_finished(1)
            report(system, "rec-1-2-0", "no")
            wait_until(lambda: receipts(system) == {"delivered": 1, "undelivered": 1})


def without_references(provider: RecordingProvider) -> dict[str, object]:
    callbacks = {**CALLBACKS, "Mapping": {"Receipts": BY_ID}}
    answers = [{"Status": 202, "Then": "success", "Id": "id"}]
    return provider.template(Timeout="5s", Callbacks=callbacks, Answers=answers)


def report(system: System, message_id: str, status: str) -> None:
    answer = requests.post(
        f"{system.url}/v1/callbacks/{NAME}",
        json={"id": message_id, "status": status},
        auth=(USER, PASSWORD),
        timeout=30,
    )
    assert answer.status_code == 200, answer.text


def receipts(system: System) -> dict[str, int]:
    found: dict[str, int] = system.campaign(1)["receipts"]  # type: ignore[assignment]
    return {rank: found[rank] for rank in ("delivered", "undelivered") if found[rank]}
