"""Idempotency-Key and If-Match across the worker processes of the real service."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from campaign_common.database import Database
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from tests.support.services.api_service import (
    SHARDS,
    ApiService,
    make_schema,
    running_api,
    write_configuration,
)
from tests.support.waiting import wait_until

CSV = "".join(f"user{n},{13961467500 + n}\n" for n in range(2_000))
AT_ONCE = 50
KEY = {"Idempotency-Key": "one intention"}


@pytest.fixture
def database(migrated_schema: Callable[[int], str]) -> str:
    return migrated_schema(SHARDS)


@pytest.fixture
def api(tmp_path: Path, database: str) -> Iterator[ApiService]:
    # All of one key's uploads may be at the same worker, which must have room for them.
    room = {"MaxImports": 2 * AT_ONCE}
    configuration = write_configuration(tmp_path, database, Workers=2, Api=room)
    make_schema(configuration)
    with running_api(configuration) as service:
        yield service


def upload(api: ApiService, content: str = CSV) -> requests.Response:
    url = f"{api.url}/v1/recipient-lists?name=people"
    headers = {**KEY, "Content-Type": "text/csv"}
    return requests.post(url, data=content.encode(), headers=headers, timeout=60)


def stored(api: ApiService, resource: str, name: str) -> int:
    answer = requests.get(f"{api.url}/v1/{resource}", timeout=10).json()
    return len(answer[name])


def test_of_racing_uploads_one_makes_a_list(api: ApiService) -> None:
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: upload(api), range(8)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = {answer.text for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    again = upload(api)
    assert again.text in made
    assert again.headers["Idempotency-Replayed"] == "true"
    assert upload(api, CSV + "one more,13961460000\n").status_code == 422
    assert stored(api, "recipient-lists", "recipient_lists") == 1


def test_of_racing_requests_one_makes_a_campaign(api: ApiService) -> None:
    campaign = {"name": "x", "template": "hi {name}", "recipient_list_id": upload(api).json()["id"]}
    headers = {"Idempotency-Key": "another intention"}

    def make(_: int) -> requests.Response:
        return requests.post(f"{api.url}/v1/campaigns", json=campaign, headers=headers, timeout=60)

    with ThreadPoolExecutor(AT_ONCE) as clients:
        answers = list(clients.map(make, range(AT_ONCE)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = {answer.headers["Location"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert stored(api, "campaigns", "campaigns") == 1


def test_of_racing_changes_of_one_version_one_is_made(api: ApiService) -> None:
    campaign = {"name": "x", "template": "hi {name}", "recipient_list_id": upload(api).json()["id"]}
    made = requests.post(f"{api.url}/v1/campaigns", json=campaign, timeout=60)
    url = f"{api.url}{made.headers['Location']}"

    def change(number: int) -> int:
        headers = {"If-Match": made.headers["ETag"]}
        name = {"name": f"name {number}"}
        return requests.patch(url, json=name, headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(AT_ONCE) as clients:
        statuses = list(clients.map(change, range(AT_ONCE)))
    assert statuses.count(200) == 1
    assert statuses.count(412) == AT_ONCE - 1
    changed = f"name {statuses.index(200)}"
    assert requests.get(url, timeout=10).json()["name"] == changed


def test_a_request_killed_before_its_response_has_one_effect(
    api: ApiService, database: str
) -> None:
    """A test message waits for its outcome between the two."""
    campaign = {"name": "x", "template": "hi {name}", "recipient_list_id": upload(api).json()["id"]}
    made = requests.post(f"{api.url}/v1/campaigns", json=campaign, timeout=60)
    message = {"phone": "+49 176 12345678", "attributes": {"name": "Ann"}}
    headers = {"Idempotency-Key": "a message"}

    def send() -> requests.Response:
        url = f"{api.url}{made.headers['Location']}/test"
        return requests.post(url, json=message, headers=headers, timeout=60)

    pool = Database(MysqlSettings(dsn=parse_dsn(database)))
    with ThreadPoolExecutor() as clients:
        waiting = clients.submit(send)
        wait_until(lambda: count(pool, "trial_messages") == 1)
        assert send().status_code == 409
        for worker in api.workers():
            worker.kill()
        with pytest.raises(requests.ConnectionError):
            waiting.result()
    wait_until(api.answers)
    assert send().status_code == 409
    half_a_minute_later = "UPDATE idempotency_keys SET locked_until = NOW(6) - INTERVAL 1 SECOND"
    pool.run(lambda cursor: cursor.execute(half_a_minute_later))
    pool.run(lambda cursor: cursor.execute("UPDATE trial_messages SET status = 1"))
    again = send()
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert count(pool, "trial_messages") == 1
    pool.close()


def count(pool: Database, table: str) -> int:
    with pool.reading() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {table}")
        ((n,),) = cursor.fetchall()
    return int(n)
