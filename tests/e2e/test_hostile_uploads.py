"""Whatever is uploaded: a refusal or recorded rejects, in bounded memory, and the service goes on.

What each upload got is written down as a table where HOSTILE_UPLOADS_TABLE names a file:

    export HOSTILE_UPLOADS_TABLE=docs/transcripts/hostile-uploads.md
    .venv/bin/pytest tests/e2e/test_hostile_uploads.py
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from benchmarks.sampling import PeakMemory
from tests.e2e.hostile import GOOD, MOST_BYTES, MOST_ROWS, Upload, all_uploads
from tests.e2e.raw_http import Answer, exchange
from tests.support.servers.databases import DatabaseServers, fresh_schema
from tests.support.services.api_service import (
    ApiService,
    make_schema,
    running_api,
    write_configuration,
)

TABLE_VARIABLE = "HOSTILE_UPLOADS_TABLE"
MOST_MEGABYTES = 300
LEAST_UPLOADS = 200

UPLOADS = all_uploads()

INTRODUCTION = """\
# What hostile uploads get

Written by `tests/e2e/test_hostile_uploads.py`, which sends each of these {count} uploads to
`POST /v1/recipient-lists` of a running service and fails unless it is refused (4xx) or its bad
rows are recorded as rejects, the worker stays under {bound} MB, and the service goes on answering.
The largest worker held {held:.0f} MB. Limits of that service: {most_bytes:,} bytes, {most_rows:,}
rows.
"""


class Outcomes:
    """Answers to the uploads, in their order."""

    def __init__(self) -> None:
        self._rows: list[str] = []

    def add(self, upload: Upload, answer: Answer) -> None:
        document = answer.json
        if answer.status == 201:
            got = "{accepted:,} accepted, {duplicates:,} duplicates, {rejected:,} rejected"
            said = got.format(**document)
        else:
            said = str(document.get("type", "")).rpartition(":")[2] or "refused by the HTTP server"
        name = upload.name.replace("|", "\\|").replace("`", "'")
        self._rows.append(f"| {upload.family} | `{name}` | {answer.status} | {said} |")

    def write(self, path: Path, megabytes: float) -> None:
        introduction = INTRODUCTION.format(
            count=len(self._rows),
            bound=MOST_MEGABYTES,
            held=megabytes,
            most_bytes=MOST_BYTES,
            most_rows=MOST_ROWS,
        )
        header = ["", "| family | upload | status | outcome |", "|---|---|---|---|"]
        path.write_text("\n".join([introduction.rstrip(), *header, *self._rows, ""]))


@pytest.fixture(scope="module")
def api(
    tmp_path_factory: pytest.TempPathFactory, database_servers: DatabaseServers
) -> Iterator[ApiService]:
    limits = {"MaxUploadBytes": MOST_BYTES, "MaxUploadRows": MOST_ROWS}
    with fresh_schema(database_servers.get("mariadb").dsn) as dsn:
        folder = tmp_path_factory.mktemp("hostile")
        configuration = write_configuration(folder, dsn, Workers=1, Api=limits)
        make_schema(configuration)
        with running_api(configuration) as service:
            yield service


@pytest.fixture(scope="module")
def memory(api: ApiService) -> Iterator[PeakMemory]:
    with PeakMemory({"campaign-api": api.process.pid}) as peak:
        yield peak


@pytest.fixture(scope="module")
def outcomes(memory: PeakMemory) -> Iterator[Outcomes]:
    found = Outcomes()
    yield found
    if TABLE_VARIABLE in os.environ:
        found.write(Path(os.environ[TABLE_VARIABLE]), memory.megabytes["campaign-api"])


@pytest.mark.parametrize("upload", UPLOADS, ids=lambda each: f"{each.family}: {each.name}")
def test_hostile_upload_is_refused_or_its_rejects_are_recorded(
    api: ApiService, memory: PeakMemory, outcomes: Outcomes, upload: Upload
) -> None:
    workers = [worker.pid for worker in api.workers()]
    answer = exchange(api.url, upload.pieces())
    outcomes.add(upload, answer)
    assert 400 <= answer.status < 500 or (answer.status == 201 and answer.json["rejected"] > 0)
    assert b"Traceback" not in answer.body
    assert memory.megabytes["campaign-api"] < MOST_MEGABYTES
    assert api.answers()
    assert [worker.pid for worker in api.workers()] == workers


def test_there_are_many_and_the_service_still_works_after_them(api: ApiService) -> None:
    assert len(UPLOADS) >= LEAST_UPLOADS
    answer = requests.post(
        f"{api.url}/v1/recipient-lists",
        params={"name": "good"},
        data=GOOD,
        headers={"Content-Type": "text/csv"},
        timeout=30,
    )
    assert (answer.status_code, answer.json()["accepted"]) == (201, 1)
