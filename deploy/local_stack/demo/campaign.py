"""The demo's recipients and campaign, and the API requests for them."""

import time
from collections.abc import Mapping
from pathlib import Path

import requests

from local_stack.demo.balance import ReportedProgress
from local_stack.errors import DemoError

CAMPAIGN_ID = 1_000_000_000
CSV_NAME = "recipients.csv"

_FIRST_PHONE = 13_961_467_500
# The answer comes when the whole list is stored.
_CREATE_SECONDS = 1800
_READ_SECONDS = 30


def write_recipients(folder: Path, recipients: int) -> None:
    """Write rows such as ``user1,13961467500``, no phone twice."""
    with (folder / CSV_NAME).open("w", encoding="utf-8", newline="") as file:
        file.writelines(
            f"user{number},{_FIRST_PHONE + number - 1}\n" for number in range(1, recipients + 1)
        )


def create_campaign(url: str, headers: Mapping[str, str] | None = None) -> None:
    """Create the campaign, due now.

    Raises:
        DemoError: the API refused it.
    """
    body = {
        "campaign_name": "game0",
        "campaign_id": CAMPAIGN_ID,
        "message_template": "hi {name}, this is a test message.",
        "scheduled_time": int(time.time()),
        "csv_file_path": CSV_NAME,
    }
    response = requests.post(
        f"{url}/v1/camp/create", json=body, headers=headers, timeout=_CREATE_SECONDS
    )
    if response.status_code != 200 or response.json()["code"] != 0:
        raise DemoError(f"the campaign was refused ({response.status_code}): {response.text}")


def read_progress(url: str, headers: Mapping[str, str] | None = None) -> ReportedProgress | None:
    """Read the campaign's progress; None while API or database are unavailable.

    Raises:
        DemoError: the API refused the request.
    """
    try:
        response = requests.get(
            f"{url}/v1/campaigns/{CAMPAIGN_ID}", headers=headers, timeout=_READ_SECONDS
        )
    except (requests.ConnectionError, requests.Timeout):
        return None
    if response.status_code == 503:
        return None
    if response.status_code != 200:
        raise DemoError(f"no progress from the API ({response.status_code}): {response.text}")
    return ReportedProgress.from_answer(response.json())
