"""Services outlive a database that refuses them for a while, and send all the same."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from secrets import token_hex

import pytest
import requests

from campaign_common.domain.message import Status
from campaign_common.dsn import parse_dsn
from tests.support.services.system import System
from tests.support.waiting import wait_until

WRITES = "INSERT, UPDATE, DELETE"
SERVICES = ("campaign-api", "campaign-scheduler", "campaign-sender")
RECIPIENTS = 600
SLOW = {"Latency": {"Distribution": "constant", "Mean": "500ms"}}
ACTIVE_SENDERS = "SELECT COUNT(*) FROM sender_heartbeats WHERE seen_at > NOW(6) - INTERVAL 8 SECOND"


class Account:
    """The services' database user, whose rights and password somebody changes."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.name = f"svc_{token_hex(4)}"
        self._schema = parse_dsn(system.dsn).database
        self._execute(f"CREATE USER {self.name}@'%' IDENTIFIED BY 'secret'")
        self._execute(f"GRANT SELECT, {WRITES} ON {self._schema}.* TO {self.name}@'%'")

    @property
    def dsn(self) -> str:
        return self._system.dsn.replace("root:", f"{self.name}:secret", 1)

    @contextmanager
    def without_writes(self) -> Iterator[None]:
        self._execute(f"REVOKE {WRITES} ON {self._schema}.* FROM {self.name}@'%'")
        self._end_sessions()
        try:
            yield
        finally:
            self._execute(f"GRANT {WRITES} ON {self._schema}.* TO {self.name}@'%'")

    @contextmanager
    def with_another_password(self) -> Iterator[None]:
        self._execute(f"ALTER USER {self.name}@'%' IDENTIFIED BY 'another'")
        self._end_sessions()
        try:
            yield
        finally:
            self._execute(f"ALTER USER {self.name}@'%' IDENTIFIED BY 'secret'")

    def drop(self) -> None:
        self._execute(f"DROP USER {self.name}@'%'")

    def _end_sessions(self) -> None:
        sessions = self._system.rows(
            f"SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '{self.name}'"
        )
        for (number,) in sessions:
            with self._system.database.reading() as cursor:
                cursor.execute(f"KILL {number}")

    def _execute(self, sql: str) -> None:
        with self._system.database.reading() as cursor:
            cursor.execute(sql)


@pytest.fixture
def account(system: System) -> Iterator[Account]:
    made = Account(system)
    yield made
    made.drop()


def lines(system: System) -> list[dict[str, object]]:
    """All that the services have logged; each line is JSON, also about what should not happen."""
    texts = [log.read_text().rpartition("\n")[0] for log in system.folder.glob("*.log")]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def waiting(system: System) -> list[object]:
    return [
        line["component"] for line in lines(system) if line["event"] == "dependency unavailable"
    ]


def send(system: System, campaign_id: int) -> None:
    system.write_csv("".join(f"N,{13900000000 + n}\n" for n in range(RECIPIENTS)))
    system.create(campaign_id, "recipients.csv")


def all_sent(system: System, campaign_id: int) -> bool:
    system.wait_until_finished(campaign_id)
    return list(system.statuses(campaign_id).values()) == [Status.SENT] * RECIPIENTS


def test_sends_go_on_when_rights_and_password_are_back(system: System, account: Account) -> None:
    """The same processes send after rights and password are back."""
    system.configure(Mysql={"DSN": account.dsn}, Simulated=SLOW, Sender={"InFlight": 100})
    with ExitStack() as stack:
        with account.without_writes():
            processes = [stack.enter_context(system.run(program)) for program in SERVICES]
            everything = {"sweeper", "heartbeat", "sample-rates"}
            wait_until(lambda: everything <= set(waiting(system)))
            ready = requests.get(f"{system.url}/readyz", timeout=10)
            assert (ready.status_code, "lacks rights" in ready.json()["reason"]) == (503, True)
        wait_until(system.is_ready)
        send(system, 1)
        wait_until(lambda: list(system.statuses(1).values()).count(Status.SENT) > 100)
        told = waiting(system).count("heartbeat")
        with account.with_another_password():
            wait_until(lambda: waiting(system).count("heartbeat") > told)
        assert all_sent(system, 1)
        answer = requests.post(
            f"{system.url}/v1/campaigns/1/test",
            json={"phone": "+13900000000", "attributes": {"name": "N"}},
            timeout=30,
        )
        assert (answer.status_code, answer.json()["status"]) == (200, "sent"), answer.text
        wait_until(lambda: system.rows(ACTIVE_SENDERS) == ((1,),))
        wait_until(lambda: "sweeper" in [one.get("component") for one in going_on(system)])
        assert [process.poll() for process in processes] == [None] * len(SERVICES)


def going_on(system: System) -> list[dict[str, object]]:
    return [line for line in lines(system) if line["event"] == "dependency recovered"]
