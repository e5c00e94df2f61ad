"""The scene of a chaos test: the whole system, a recording provider, and faults for both."""

import random
import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TypeVar

import requests
import yaml

from campaign_common.domain.claim import ClaimedMessage, decode_claim
from campaign_common.domain.message import idempotency_key
from campaign_common.domain.recipient import tombstone
from campaign_common.errors import DatabaseContended
from tests.chaos.accounts import Account, compare
from tests.chaos.relay import dsn_at
from tests.chaos.report import Finding
from tests.chaos.scale import Scale
from tests.support.providers.recording_provider import Call, Faults
from tests.support.providers.recordings import RecordingProvider
from tests.support.services.processes import Process, kill, running
from tests.support.services.system import LOOK_AGAIN, System
from tests.support.waiting import wait_until

T = TypeVar("T")

CAMPAIGN = 1000000000
GATEWAY = "gateway"
"""The provider whose requests are a template."""
FIRST_PHONE = 13900000000
QUICK = Faults(latency=0.005)
SLOW = Faults(latency=0.2)
STALLED = Faults(latency=5.0)
CONNECTIONS = 48
"""Calls that a sender has under way at most."""
PLENTY = 100
"""Claimed messages that no sender can call for and record while a signal is on its way to it."""
SOME = 10
"""Number of claimed messages whose calls have arrived."""
CLAIMS_OF = "SELECT claimed FROM shard_claims WHERE owner_name LIKE %s FOR UPDATE"
"""With a lock, so that a transaction that is being committed is waited for."""
SHARDS_OF = "SELECT shard, epoch FROM shard_claims WHERE owner_name LIKE %s"

STATUSES_OF = """
SELECT phone, status FROM campaign_messages WHERE campaign_id = %s AND seq BETWEEN %s AND %s
"""
SLICE = 50_000


def boot_time() -> float:
    """Seconds since boot, suspension included: the clock of the provider's log."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Scene:
    """One test's system; everything that it starts ends with it."""

    def __init__(
        self,
        system: System,
        provider: RecordingProvider,
        scale: Scale,
        server: str,
        stack: ExitStack,
    ) -> None:
        self.system = system
        self.provider = provider
        self.scale = scale
        self.server = server
        self.random = random.Random(scale.seed)  # noqa: S311 - chooses points, protects nothing
        self.findings: list[Finding] = []
        self.phones: list[str] = []
        self.erased: dict[str, str] = {}
        """Phone numbers of erased people, by the tombstones that replace them."""
        self._called_before = Counter[str]()
        self._stack = stack
        self._processes: list[Process] = []
        # A machine that is busy otherwise must not look like a provider that does not answer.
        self.configure_provider(Timeout="20s")
        system.configure(
            DrainTimeout="25s",
            Sender={"InFlight": 400, "BatchSize": 200},
            Scheduler={"Lease": "3s", "ChunkSize": 2000, "Window": "60s"},
            Retry={"BackoffBase": "200ms"},
        )

    def configure_provider(self, **more: object) -> None:
        """Have everything sent to the recording provider."""
        http = {
            "Url": self.provider.url,
            "AllowedNetworks": ["127.0.0.0/8"],
            "Connections": CONNECTIONS,
            **more,
        }
        self.system.configure(Provider="http", Http=http)

    def send_by_template(self, headers: Mapping[str, str] | None = None, **more: object) -> None:
        """Have everything sent to the recording provider by requests that say when they start."""
        keys = self.provider.template(headers, Connections=CONNECTIONS, Timeout="20s", **more)
        self.system.configure(Provider=GATEWAY, Providers={GATEWAY: keys})

    def enter(self, context: AbstractContextManager[T]) -> T:
        """Enter a context that ends with the scene."""
        return self._stack.enter_context(context)

    def start(self, program: str, config: Path | None = None) -> Process:
        """Run one more process of a service."""
        process = self._stack.enter_context(
            running(program, config or self.system.config, as_installed=True)
        )
        self._processes.append(process)
        return process

    def start_all(self, *, schedulers: int = 1, senders: int = 1) -> tuple[Sequence[Process], ...]:
        """Run API, schedulers and senders; return schedulers and senders."""
        api = self.start("campaign-api")
        running_schedulers = [self.start("campaign-scheduler") for _ in range(schedulers)]
        running_senders = [self.start("campaign-sender") for _ in range(senders)]
        started = [api, *running_schedulers, *running_senders]
        wait_until(lambda: self.system.is_ready() or not _all_run(started))
        assert _all_run(started), self.system.logs()
        return running_schedulers, running_senders

    def running(self) -> list[Process]:
        """The processes that have not ended."""
        return [process for process in self._processes if process.poll() is None]

    def recorded(self, campaign_id: int = CAMPAIGN) -> dict[str, int]:
        """Return the status number of every recipient with a ledger row, by phone."""
        return {phone: n for phone, n in self.statuses(campaign_id).items() if n}

    def configuration_for(self, user: str) -> Path:
        """A copy of the configuration under which a process has a database user of its own."""
        for host in ("127.0.0.1", "localhost"):
            self.execute(f"CREATE USER IF NOT EXISTS '{user}'@'{host}' IDENTIFIED BY '{user}'")
            self.execute(f"GRANT ALL ON *.* TO '{user}'@'{host}'")
        dsn = f"{user}:{user}@{self.system.dsn.partition('@')[2]}"
        return self.configuration(user, Mysql={"DSN": dsn})

    def configuration_through(self, port: int) -> Path:
        """A copy of the configuration under which a process finds the database at this port."""
        mysql = {"DSN": dsn_at(port, self.system.dsn)}
        return self.configuration(f"through-{port}", Mysql=mysql)

    def configuration(self, name: str, **sections: object) -> Path:
        """A copy of the configuration in a folder of its own, in which some sections differ."""
        document = yaml.safe_load(self.system.config.read_text())
        document.update(sections)
        folder = self.system.folder / name
        folder.mkdir()
        path = folder / "campmgr.yaml"
        path.write_text(yaml.safe_dump(document))
        return path

    def stop_all(self) -> None:
        """Ask every process to stop, so that they do it at the same time."""
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()

    def begin(self, recipients: int, campaign_id: int = CAMPAIGN) -> None:
        """Make a campaign to so many recipients that is due at once."""
        self.write_csv(recipients)
        self.system.create(campaign_id, "recipients.csv")

    def write_csv(self, recipients: int) -> None:
        self.phones = [str(FIRST_PHONE + n) for n in range(recipients)]
        self.system.write_csv("".join(f"user{n},{phone}\n" for n, phone in enumerate(self.phones)))

    def calls(self) -> int:
        return self.provider.status()["calls"]

    def hurry(self) -> None:
        """Let the provider be quick from now on: what was to be shown has been shown."""
        self.provider.set_faults(QUICK)

    def stall(self, senders: Sequence[Process]) -> None:
        """Let calls last for seconds while each sender has claimed more than it has calls for.

        The provider has been `SLOW`. When a connection is free again, there is work for it.
        """
        wait_until(lambda: all(self._waiting(sender) >= CONNECTIONS // 2 for sender in senders))
        self.provider.set_faults(STALLED)
        slow_until = time.monotonic() + 2 * SLOW.latency
        wait_until(
            lambda: (
                time.monotonic() > slow_until
                and all(self._waiting(sender) >= SOME for sender in senders)
            )
        )

    def _waiting(self, sender: Process) -> int:
        called, claimed = self._called_of_claimed(sender)
        return claimed - called

    def wait_for_calls(self, calls: int) -> None:
        wait_until(lambda: self.calls() >= calls, self.scale.patience(120))

    def points(self, number: int, share: float) -> list[int]:
        """Choose so many numbers of calls, one at random in each equal part of a share of all."""
        part = len(self.phones) * share / number
        return [int(part * (n + self.random.random())) for n in range(number)]

    def wait_a_random_while(self, at_most: int) -> None:
        """Let a random number of further calls happen."""
        self.wait_for_calls(self.calls() + self.random.randrange(at_most))

    def finish(
        self,
        campaign_id: int = CAMPAIGN,
        *,
        generation: int = 0,
        watchdog_may_help: bool = False,
    ) -> Account:
        """Wait for the end of a campaign, and compare the accounts.

        What had to be published again by the watchdog had been lost by somebody before: only
        where that is the point may it help.
        """
        patience = self.scale.patience(120)
        wait_until(lambda: self.has_finished(campaign_id), patience, interval=LOOK_AGAIN)
        assert watchdog_may_help or self.watchdog_rounds() == 0, "lost, and found by the watchdog"
        return self.account(campaign_id, generation)

    def has_finished(self, campaign_id: int = CAMPAIGN) -> bool:
        """Ask the API, which may be without its database at the moment."""
        answer = requests.get(f"{self.system.url}/v1/campaigns/{campaign_id}", timeout=30)
        assert answer.status_code in {200, 503}, answer.text
        return answer.ok and answer.json()["state"] == "finished"

    def account(self, campaign_id: int = CAMPAIGN, generation: int = 0) -> Account:
        return compare(
            self.phones, self.statuses(campaign_id), self.calls_of(campaign_id, generation)
        )

    def calls_of(self, campaign_id: int, generation: int) -> list[Call]:
        """The calls of a campaign's messages as so many retries by a person have left them."""
        return [
            call
            for call in self.provider.calls()
            if call.sent.campaign_id == campaign_id and call.key.endswith(f"-{generation}")
        ]

    def erase(self, phone: str) -> float:
        """Erase a person; return the time since boot of the acknowledgement."""
        answer = requests.delete(f"{self.system.url}/v1/recipients/{phone}", timeout=30)
        assert answer.status_code == 202, answer.text
        self.erased[tombstone(self.phones.index(phone) + 1)] = phone
        return boot_time()

    def retry(self, status: str, campaign_id: int = CAMPAIGN) -> int:
        """Request a retry of messages; return the number of matches."""
        url = f"{self.system.url}/v1/campaigns/{campaign_id}/retry"
        answer = requests.post(url, json={"status": status}, timeout=30)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["matched"])

    def statuses(self, campaign_id: int) -> dict[str, int]:
        """Each recipient's status number by phone, read in slices: one SELECT has its limit."""
        statuses: dict[str, int] = {}
        for first in range(1, len(self.phones) + 1, SLICE):
            with self.system.database.reading() as cursor:
                cursor.execute(STATUSES_OF, (campaign_id, first, first + SLICE - 1))
                statuses.update(cursor.fetchall())
        return {self.erased.get(phone, phone): status for phone, status in statuses.items()}

    def wait_for_calls_in_flight(self, sender: Process) -> None:
        """Wait until this sender has much claimed, and calls of it have arrived.

        Claims alone would not do: nothing is called yet of those that have just been committed.
        Nor would earlier calls: a message that was sent before may be claimed again.
        """
        self._called_before = self.provider.times_called().copy()

        def in_the_middle_of_calls() -> bool:
            called, claimed = self._called_of_claimed(sender)
            return claimed >= PLENTY and called >= SOME

        wait_until(in_the_middle_of_calls)

    def has_calls_to_record(self, sender: Process) -> bool:
        """Return whether calls of this stopped sender have arrived that it has not recorded.

        One that was stopped in the middle of a transaction keeps its claims locked.
        """
        try:
            called, _ = self._called_of_claimed(sender)
        except DatabaseContended:
            return False
        return called > 0

    def _called_of_claimed(self, sender: Process) -> tuple[int, int]:
        """Return how much of what this sender has claimed has been called, and how much it is."""
        times, before = self.provider.times_called(), self._called_before
        claimed = {
            idempotency_key(message.campaign_id, message.seq, message.generation)
            for message in self.claimed_by(sender)
        }
        return sum(times[key] > before[key] for key in claimed), len(claimed)

    def kill_in_flight(self, sender: Process) -> list[ClaimedMessage]:
        """Kill a sender with sends in flight; return its claimed, unrecorded messages."""
        self.wait_for_calls_in_flight(sender)
        kill(sender)
        claimed = self.claimed_by(sender)
        assert claimed, "this sender had just recorded everything; the kill does not count"
        return claimed

    def claimed_by(self, sender: Process) -> list[ClaimedMessage]:
        with self.system.database.transaction() as cursor:
            cursor.execute(CLAIMS_OF, (f"%-{sender.pid}",))
            return [message for (packed,) in cursor.fetchall() for message in decode_claim(packed)]

    def shards_of(self, sender: Process) -> dict[int, int]:
        """The shards that this sender owns, with their epochs."""
        with self.system.database.reading() as cursor:
            cursor.execute(SHARDS_OF, (f"%-{sender.pid}",))
            return dict(cursor.fetchall())

    def wait_for_take_over(self, shards: dict[int, int]) -> float:
        """Wait until the shards have new owners; return the seconds that this took."""
        began = time.monotonic()

        def taken() -> bool:
            rows = self.system.rows("SELECT shard, epoch FROM shard_claims")
            return all(epoch > shards.get(shard, -1) for shard, epoch in rows)

        wait_until(taken)
        return time.monotonic() - began

    def suspects(self) -> int:
        return self.count("SELECT COUNT(*) FROM possibly_sent")

    def watchdog_rounds(self) -> int:
        """Count the times that the watchdog had a campaign published again."""
        return self.count("SELECT SUM(republications) FROM campaigns")

    def count(self, sql: str) -> int:
        ((n,),) = self.system.rows(sql)
        return int(n)

    def execute(self, sql: str, *arguments: object) -> None:
        with self.system.database.transaction() as cursor:
            cursor.execute(sql, arguments or None)

    def found(
        self,
        fault: str,
        account: Account,
        *,
        faults: int = 1,
        bound: int = 0,
        recovered: float | None = None,
    ) -> None:
        """Put one line into the table at the end of the run."""
        self.findings.append(
            Finding(
                fault,
                self.server,
                faults,
                account.lost,
                account.duplicates,
                bound,
                account.unknown,
                recovered,
            )
        )


def _all_run(processes: Sequence[Process]) -> bool:
    return all(process.poll() is None for process in processes)
