import hashlib
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymysql.err import OperationalError

from campaign_api.app import create_app
from campaign_api.campaigns import intake
from campaign_api.lists.importer import slots
from campaign_api.lists.importer.recipient_list import CsvImporter
from campaign_common.database import Database, Databases
from campaign_common.errors import CommitUnknown
from campaign_common.planning.numbered_campaigns import NumberedCampaigns
from campaign_common.settings import MysqlSettings, Settings
from tests.integration.api.stored import REQUEST, change, create, list_of, rows, value
from tests.unit.providers.gateways import gateway

CAMPAIGN = REQUEST["campaign_id"]
EVERYTHING = (
    "SELECT * FROM campaigns ORDER BY id",
    "SELECT * FROM recipient_lists ORDER BY id",
    "SELECT * FROM recipients ORDER BY list_id, seq",
    "SELECT * FROM campaign_events ORDER BY id",
)


@pytest.fixture(autouse=True)
def file(csv_root: Path) -> Path:
    file = csv_root / "recipients.csv"
    file.write_text("Ann,13961467500\nBob,13961467501\n")
    (csv_root / "other.csv").write_text("Cid,13961467502\n")
    return file


def snapshot(database: Database) -> list[list[tuple[Any, ...]]]:
    return [rows(database, sql) for sql in EVERYTHING]


def test_created_campaign_is_scheduled_with_its_list(client: FlaskClient, pool: Database) -> None:
    assert create(client).status_code == 200
    ((name, template, state, delivery, provider, due),) = rows(
        pool,
        "SELECT name, template, state, delivery, provider, scheduled_at <= NOW(6) FROM campaigns",
    )
    assert (name, template) == (REQUEST["campaign_name"], REQUEST["message_template"])
    assert (state, delivery, provider, due) == ("scheduled", "at_least_once", "simulated", 1)
    assert rows(pool, "SELECT actor, from_state, to_state FROM campaign_events") == [
        ("api", None, "scheduled")
    ]


def test_future_time_is_kept_and_past_one_means_now(client: FlaskClient, pool: Database) -> None:
    create(client, scheduled_time=4102444800)
    assert value(pool, "SELECT CAST(scheduled_at AS CHAR) FROM campaigns").startswith("2100-01-01")
    create(client, campaign_id=2, scheduled_time=0)
    late = value(
        pool, "SELECT TIMESTAMPDIFF(SECOND, scheduled_at, NOW(6)) FROM campaigns WHERE id = 2"
    )
    assert 0 <= late < 60


def test_what_the_provider_does_not_take_is_not_imported(
    settings: Settings, pool: Database
) -> None:
    configured = replace(settings, providers={"gateway": gateway()}, provider="gateway")
    answer = create(create_app(configured, Databases((pool,))).test_client())
    assert answer.status_code == 422
    assert "gateway takes no content" in answer.text
    assert value(pool, "SELECT COUNT(*) FROM recipient_lists") == 0


@pytest.mark.parametrize("state", ["scheduled", "running", "paused", "finished", "cancelled"])
@pytest.mark.parametrize("file_remains", [True, False])
def test_repeated_request_succeeds_and_changes_nothing(
    client: FlaskClient, pool: Database, file: Path, state: str, file_remains: bool
) -> None:
    create(client)
    change(pool, "UPDATE campaigns SET state = %s", state)
    before = snapshot(pool)
    if not file_remains:
        file.unlink()
    assert create(client).json == {"code": 0, "msg": "success"}
    assert snapshot(pool) == before


@pytest.mark.parametrize("content", ["Ann,+1396\u00a01467500.0\n", "mobile,id\n1396146,1\n", ""])
def test_file_of_a_campaign_is_not_read_again_by_another_grammar(
    client: FlaskClient, pool: Database, file: Path, content: str
) -> None:
    """A request repeated for what an earlier version took in is no conflict, whatever it holds."""
    create(client)
    file.write_text(content)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    change(pool, "UPDATE recipient_lists SET sha256 = %s", digest)
    change(pool, "UPDATE campaigns SET state = 'running'")
    before = snapshot(pool)
    assert create(client).json == {"code": 0, "msg": "success"}
    assert snapshot(pool) == before


def test_file_that_is_being_written_is_not_imported(
    client: FlaskClient, pool: Database, file: Path
) -> None:
    """Refused while a writer appends, with no list and no campaign; taken afterwards."""
    file.write_text("".join(f"user{n},{13961467500 + n}\n" for n in range(20_000)))
    stop = threading.Event()

    def append() -> None:
        # Opened for each row, so that the system cannot tell of a writer at all times.
        n = 20_000
        while not stop.is_set():
            with file.open("a") as writer:
                writer.write(f"user{n},{13961467500 + n}\nuser{n},1396")
            n += 1

    writer = threading.Thread(target=append)
    writer.start()
    try:
        answer = create(client)
    finally:
        stop.set()
        writer.join()
    assert answer.status_code == 422
    assert answer.json is not None
    assert re.search("changed while it was read|still open for writing", answer.json["msg"])
    assert value(pool, "SELECT COUNT(*) FROM campaigns") == 0
    assert rows(pool, "SELECT 1 FROM recipient_lists WHERE state <> 'discarded'") == []
    assert create(client).status_code == 200


@pytest.mark.parametrize("state", ["draft", "scheduled"])
@pytest.mark.parametrize(
    "changes",
    [
        {"campaign_name": "game1"},
        {"message_template": "bye {name}"},
        {"scheduled_time": 4102444800},
        {"csv_file_path": "other.csv"},
    ],
)
def test_changed_request_updates_a_campaign_that_has_not_started(
    client: FlaskClient, pool: Database, state: str, changes: dict[str, Any]
) -> None:
    create(client)
    change(pool, "UPDATE campaigns SET state = %s", state)
    old = list_of(pool, CAMPAIGN).id
    assert create(client, **changes).status_code == 200

    wanted = {**REQUEST, **changes}
    stored = rows(pool, "SELECT name, template, state FROM campaigns")
    assert stored == [(wanted["campaign_name"], wanted["message_template"], "scheduled")]
    assert list_of(pool, CAMPAIGN).id != old
    assert value(pool, "SELECT state FROM recipient_lists WHERE id = %s", old) == "discarded"


def test_changed_file_is_a_changed_request(client: FlaskClient, pool: Database, file: Path) -> None:
    create(client)
    file.write_text("Ann,13961467500\n")
    assert create(client).status_code == 200
    assert list_of(pool, CAMPAIGN).totals.accepted == 1


@pytest.mark.parametrize("state", ["running", "paused", "finished", "cancelled", "failed"])
def test_changed_request_for_a_started_campaign_is_refused(
    client: FlaskClient, pool: Database, file: Path, state: str
) -> None:
    create(client)
    change(pool, "UPDATE campaigns SET state = %s", state)
    before = snapshot(pool)
    answers = [create(client, campaign_name="game1")]
    file.write_text("Eve,13961467509\n")
    answers.append(create(client))
    for answer in answers:
        assert answer.status_code == 409
        assert answer.json is not None
        assert answer.json["code"] == -1
        assert f"campaign {CAMPAIGN} is {state}" in answer.json["msg"]
    assert snapshot(pool) == before


@pytest.mark.parametrize("batch_rows", [2, 1], ids=["one batch", "two batches"])
def test_a_campaign_started_during_an_import_keeps_its_list(
    settings: Settings, pool: Database, monkeypatch: pytest.MonkeyPatch, batch_rows: int
) -> None:
    """Campaign that starts during the import of a change keeps its list, and no other stays."""
    small = replace(settings, import_=replace(settings.import_, batch_rows=batch_rows))
    client = create_app(small, Databases((pool,))).test_client()
    create(client)
    first_list = list_of(pool, CAMPAIGN).id
    take_in = NumberedCampaigns.take_in

    def take_in_while_it_starts(*arguments: Any) -> Any:  # noqa: ANN401 - as take_in
        change(pool, "UPDATE campaigns SET state = 'running'")
        return take_in(*arguments)

    monkeypatch.setattr(NumberedCampaigns, "take_in", take_in_while_it_starts)
    assert create(client, campaign_name="game1").status_code == 409
    assert list_of(pool, CAMPAIGN).id == first_list
    assert value(pool, "SELECT COUNT(*) FROM recipient_lists WHERE state != 'discarded'") == 1
    assert value(pool, "SELECT COUNT(*) FROM recipient_lists") == (1 if batch_rows == 2 else 2)


def begin_together(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let imports begin when so many have found that there is no such campaign yet."""
    run, all_are_here = CsvImporter.run_into, threading.Barrier(number)

    def run_together(self: CsvImporter, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as run
        all_are_here.wait(30)
        return run(self, *arguments, **options)

    monkeypatch.setattr(CsvImporter, "run_into", run_together)


@pytest.mark.parametrize("locked", [True, False])
def test_identical_requests_at_once_make_one_campaign(
    settings: Settings, pool: Database, locked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if locked:
        monkeypatch.setattr(slots, "SMALL", 0)
    else:
        begin_together(monkeypatch, 4)
    client = create_app(settings, Databases((pool,)))
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: create(client.test_client()), range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert value(pool, "SELECT COUNT(*) FROM campaigns") == 1
    assert value(pool, "SELECT COUNT(*) FROM campaign_events") == 1
    assert value(pool, "SELECT COUNT(*) FROM recipient_lists WHERE state = 'ready'") == 1
    if locked:
        assert value(pool, "SELECT COUNT(*) FROM recipient_lists") == 1


@pytest.mark.parametrize(
    ("batch_rows", "kinds"), [(2, 2), (1, 5)], ids=["one batch", "two batches"]
)
def test_lost_answers_to_commit_change_nothing(
    settings: Settings,
    pool: Database,
    monkeypatch: pytest.MonkeyPatch,
    batch_rows: int,
    kinds: int,
) -> None:
    """The answer to the first COMMIT of each kind of transaction is lost."""
    small = replace(settings, import_=replace(settings.import_, batch_rows=batch_rows))
    run = pool.run
    lost = set[str]()

    def run_losing_each_first_answer(work: Any, **options: Any) -> Any:  # noqa: ANN401 - as run
        result = run(work, **options)
        name = getattr(work, "func", work).__qualname__
        if name not in lost:
            lost.add(name)
            raise CommitUnknown("the answer was lost")
        return result

    monkeypatch.setattr(pool, "run", run_losing_each_first_answer)
    answer = create(create_app(small, Databases((pool,))).test_client())
    assert answer.status_code == 200
    assert len(lost) == kinds
    assert list_of(pool, CAMPAIGN).totals == (2, 0, 0)
    assert value(pool, "SELECT COUNT(*) FROM campaign_events") == 1


def test_busy_campaign_is_reported_within_the_timeout(
    client: FlaskClient, pool: Database, settings: Settings, file: Path
) -> None:
    file.write_text("".join(f"user{n},{13961467500 + n}\n" for n in range(5_000)))
    quick = create_app(
        type(settings)(**{**vars(settings), "timeout": 1.0}), Databases((pool,))
    ).test_client()
    with intake.named_lock(pool, f"campaign {CAMPAIGN}", wait=1):
        answer = create(quick)
    assert answer.status_code == 503
    assert answer.json is not None
    assert "still being imported by another request" in answer.json["msg"]
    assert create(client).status_code == 200


def test_an_import_of_an_abandoned_list_makes_no_campaign(
    settings: Settings, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Import whose list was given up meanwhile makes no campaign."""
    take_in = NumberedCampaigns.take_in

    def take_in_after_the_sweep(*arguments: Any) -> Any:  # noqa: ANN401 - as take_in
        change(pool, "UPDATE recipient_lists SET state = 'discarded'")
        return take_in(*arguments)

    monkeypatch.setattr(NumberedCampaigns, "take_in", take_in_after_the_sweep)
    in_batches = replace(settings, import_=replace(settings.import_, batch_rows=1))
    answer = create(create_app(in_batches, Databases((pool,))).test_client())
    assert answer.status_code == 503
    assert value(pool, "SELECT COUNT(*) FROM campaigns") == 0


def test_connections_killed_in_mid_import_lose_no_row(
    client: FlaskClient, pool: Database, mysql_settings: MysqlSettings, file: Path
) -> None:
    file.write_text("".join(f"user{n},{13961467500 + n}\n" for n in range(10_000)))
    killer = Database(mysql_settings)
    kills = 0
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(create, client)
        while kills < 10 and not answer.done():
            kills += kill_inserts(killer)
        assert answer.result().status_code == 200
    killer.close()
    assert kills == 10
    assert list_of(pool, CAMPAIGN).totals == (10_000, 0, 0)
    assert value(pool, "SELECT COUNT(*) FROM recipients") == 10_000


def kill_inserts(database: Database) -> int:
    """Kill the connections that insert into this schema now, as an administrator might."""
    with database.reading() as cursor:
        cursor.execute(
            "SELECT ID FROM information_schema.PROCESSLIST"
            " WHERE DB = DATABASE() AND INFO LIKE 'INSERT%'"
        )
        victims = [row[0] for row in cursor.fetchall()]
        for victim in victims:
            with suppress(OperationalError):  # it has ended already
                cursor.execute(f"KILL CONNECTION {victim}")
    return len(victims)
