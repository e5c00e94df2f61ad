"""Checks of a provider: made once, by one sender, outside of every campaign."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from campaign_common.database import Database
from campaign_common.domain.limits.provider_limits import LimitUnit, ProviderLimits
from campaign_common.domain.receipts.reference_purpose import ReferencePurpose
from campaign_common.dsn import parse_dsn
from campaign_common.errors import DatabaseUnavailable
from campaign_common.settings import MysqlSettings
from campaign_common.store.messages.provider_checks import (
    CheckContent,
    CheckState,
    NewCheck,
    StoredCheck,
    delete_old_checks,
    insert_check,
    read_check,
)
from campaign_providers.check import (
    CheckImpossible,
    Exchange,
    PreparedCheck,
    Reading,
    ShownRequest,
)
from campaign_providers.contract import OutboundMessage
from campaign_sender.delivery.provider_checks import ProviderChecks
from tests.support.servers.databases import SchemaServer, fresh_schema
from tests.support.servers.schemas import make_current
from tests.support.waiting import wait_until

PHONE = "13900000001"
REQUEST = ShownRequest("POST", "https://gateway.example", [], "body")
ACCEPTED = Exchange(None, Reading("success", None, "id-1"))
REFUSED = Exchange(None, Reading("account", "default", None, "http_401"))


class Gateway:
    """A provider whose check answers as the test says; counts what it sends."""

    name = "gateway"
    longest = 7.0

    def __init__(self, send: Callable[[], Exchange] = lambda: ACCEPTED) -> None:
        self._send = send
        self.sent: list[OutboundMessage] = []

    def prepare(self, message: OutboundMessage) -> PreparedCheck:
        def send() -> Exchange:
            self.sent.append(message)
            return self._send()

        return PreparedCheck(REQUEST, None, "digest", send)


class Unreadable(Gateway):
    """A provider without a readable secret."""

    def prepare(self, _: OutboundMessage) -> PreparedCheck:
        raise CheckImpossible("secret token, /run/secrets/token: No such file or directory")


class Accounts:
    def __init__(self, problem: str | None = None) -> None:
        self._problem = problem
        self.accepted: list[tuple[str, str | None]] = []

    def problems(self) -> Mapping[str, str | None]:
        return {"gateway": self._problem}

    def note_accepted_check(self, provider: str, account: str | None) -> None:
        self.accepted.append((provider, account))


@pytest.fixture(scope="module")
def module_pool(database_server: SchemaServer) -> Iterator[Database]:
    """A schema for the whole module: migrating takes longer than all of its tests."""
    with fresh_schema(database_server.dsn) as dsn:
        pool = Database(MysqlSettings(dsn=parse_dsn(dsn)))
        make_current(pool, 1)
        yield pool
        pool.close()


@pytest.fixture
def pool(module_pool: Database) -> Database:
    with module_pool.transaction() as cursor:
        cursor.execute("DELETE FROM provider_checks")
        cursor.execute("DELETE FROM provider_days")
    return module_pool


def checks(
    pool: Database,
    gateway: Gateway,
    accounts: Accounts | None = None,
    limits: ProviderLimits = ProviderLimits(),  # noqa: B008 - immutable
    **more: Any,  # noqa: ANN401 - of the constructor
) -> ProviderChecks:
    return ProviderChecks(
        pool, {"gateway": gateway}, {"gateway": limits}, accounts or Accounts(), "me-1", **more
    )


def want(pool: Database, *, dry_run: bool = False, provider: str = "gateway") -> int:
    wanted = NewCheck(provider, PHONE, CheckContent("hi"), dry_run, "Ann")
    return pool.run(partial(insert_check, check=wanted))


def stored(pool: Database, check_id: int, provider: str = "gateway") -> StoredCheck:
    found = pool.run(partial(read_check, provider=provider, check_id=check_id))
    assert found is not None
    return found


def ended(pool: Database, check_id: int) -> StoredCheck:
    """Wait for the end of a check."""
    open_states = (CheckState.WAITING, CheckState.RUNNING)
    wait_until(lambda: stored(pool, check_id).state not in open_states)
    return stored(pool, check_id)


def report(check: StoredCheck) -> Any:  # noqa: ANN401 - any JSON
    assert check.result is not None
    return msgspec.json.decode(check.result)


def change(pool: Database, statement: str) -> None:
    with pool.transaction() as cursor:
        cursor.execute(f"UPDATE provider_checks SET {statement}")


def test_a_check_is_sent_once_and_its_result_kept(pool: Database) -> None:
    gateway, accounts = Gateway(), Accounts()
    check_id = want(pool)
    assert stored(pool, check_id).state is CheckState.WAITING
    checks(pool, gateway, accounts).step()
    check = ended(pool, check_id)
    assert (check.state, check.taken_by, check.problem) == (CheckState.DONE, "me-1", None)
    assert report(check)["exchange"]["reading"]["provider_message_id"] == "id-1"
    (message,) = gateway.sent
    assert (message.phone, message.body) == (PHONE, "hi")
    assert message.idempotency_key == f"check-{check_id}"
    assert message.referenced == (ReferencePurpose.TEST, 0, check_id, 0, 0)
    assert accounts.accepted == [("gateway", "digest")]
    checks(pool, gateway).step()
    assert len(gateway.sent) == 1
    with pool.reading() as cursor:
        cursor.execute("SELECT phone FROM provider_checks")
        assert cursor.fetchall() == (("*********01",),)


def test_a_dry_run_sends_nothing(pool: Database) -> None:
    gateway = Gateway()
    check_id = want(pool, dry_run=True)
    checks(pool, gateway).step()
    check = ended(pool, check_id)
    assert check.state is CheckState.DONE
    assert report(check)["request"]["url"] == REQUEST.url
    assert report(check)["exchange"] is None
    assert gateway.sent == []


def test_a_refused_account_is_no_success(pool: Database) -> None:
    accounts = Accounts()
    check_id = want(pool)
    checks(pool, Gateway(lambda: REFUSED), accounts).step()
    assert ended(pool, check_id).state is CheckState.DONE
    assert accounts.accepted == []


def test_two_senders_make_each_check_once(pool: Database) -> None:
    gateways = [Gateway() for _ in range(3)]
    ids = [want(pool) for _ in range(9)]
    senders = [checks(pool, gateway) for gateway in gateways]

    def work(sender: ProviderChecks) -> None:
        for _ in range(20):
            sender.step()

    threads = [threading.Thread(target=work, args=(sender,)) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for sender in senders:
        sender.step()  # what others were too busy for
    assert {ended(pool, check_id).state for check_id in ids} == {CheckState.DONE}
    keys = [message.idempotency_key for gateway in gateways for message in gateway.sent]
    assert sorted(keys) == sorted(f"check-{check_id}" for check_id in ids)


def test_a_check_of_a_lost_sender_is_unknown_and_not_repeated(pool: Database) -> None:
    stuck = threading.Event()
    lost = checks(pool, Gateway(lambda: (stuck.wait(10) and ACCEPTED) or ACCEPTED))
    check_id = want(pool)
    lost.step()
    assert stored(pool, check_id).state is CheckState.RUNNING
    change(pool, "taken_at = taken_at - INTERVAL 13 SECOND, ends_by = ends_by - INTERVAL 13 SECOND")
    assert stored(pool, check_id).state is CheckState.UNKNOWN
    other = Gateway()
    checks(pool, other).step()
    assert other.sent == []
    stuck.set()  # it was only slow: what it reports counts
    wait_until(lambda: stored(pool, check_id).state is CheckState.DONE)


def test_an_expired_check_is_never_made(pool: Database) -> None:
    check_id = want(pool)
    change(pool, "requested_at = NOW(6) - INTERVAL 10 SECOND")
    assert stored(pool, check_id).state is CheckState.EXPIRED
    change(pool, "requested_at = NOW(6)")  # not even by a clock that is set back
    gateway = Gateway()
    checks(pool, gateway).step()
    assert gateway.sent == []
    assert stored(pool, check_id).state is CheckState.EXPIRED


def test_a_sender_that_stood_still_sends_nothing(pool: Database) -> None:
    now = iter([100.0, 106.0])
    gateway = Gateway()
    check_id = want(pool)
    checks(pool, gateway, clock=lambda: next(now)).step()
    check = ended(pool, check_id)
    assert (check.state, gateway.sent) == (CheckState.REFUSED, [])
    assert "stood still" in str(check.problem)


def test_an_unreadable_secret_is_left_to_who_has_it(pool: Database) -> None:
    """A sender without it answers only when no other one does, with the file and the reason."""
    without = checks(pool, Unreadable(), Accounts("secret token: unreadable"))
    check_id = want(pool)
    without.step()
    assert stored(pool, check_id).state is CheckState.WAITING
    other = Gateway()
    checks(pool, other).step()
    assert ended(pool, check_id).state is CheckState.DONE
    check_id = want(pool)
    change(pool, "requested_at = requested_at - INTERVAL 2 SECOND")
    without.step()
    check = ended(pool, check_id)
    assert check.state is CheckState.REFUSED
    assert check.problem == "secret token, /run/secrets/token: No such file or directory"


def test_checks_of_unknown_providers_are_left_alone(pool: Database) -> None:
    check_id = want(pool, provider="other")
    checks(pool, Gateway()).step()
    assert stored(pool, check_id, "other").state is CheckState.WAITING


def test_a_check_counts_for_the_day(pool: Database) -> None:
    limits = ProviderLimits(per_day=2, unit=LimitUnit.SEGMENTS, zone="Asia/Tokyo")
    gateway = Gateway()
    sender = checks(pool, gateway, limits=limits)
    states = []
    for _ in range(3):
        check_id = want(pool)
        sender.step()
        states.append(ended(pool, check_id).state)
    assert states == [CheckState.DONE, CheckState.DONE, CheckState.REFUSED]
    assert len(gateway.sent) == 2
    assert "2 segments in Asia/Tokyo" in str(stored(pool, check_id).problem)
    dry_run = want(pool, dry_run=True)
    sender.step()
    assert ended(pool, dry_run).state is CheckState.DONE
    with pool.reading() as cursor:
        cursor.execute("SELECT taken FROM provider_days")
        assert cursor.fetchall() == ((2,),)


def test_a_fault_is_no_proof_that_nothing_was_sent(pool: Database) -> None:
    def fail() -> Exchange:
        raise KeyError(PHONE)

    check_id = want(pool)
    with capture_logs() as logs:
        checks(pool, Gateway(fail)).step()
        check = ended(pool, check_id)
    assert check.state is CheckState.UNKNOWN
    assert "KeyError" in str(check.problem)
    assert PHONE not in str(check.problem) + str(logs)


def test_a_result_outlasts_an_outage(pool: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    away = threading.Event()
    transaction = pool.transaction

    @contextmanager
    def may_fail(**options: Any) -> Iterator[Any]:  # noqa: ANN401 - of the pool
        if away.is_set():
            away.clear()
            raise DatabaseUnavailable("away")
        with transaction(**options) as cursor:
            yield cursor

    def send() -> Exchange:
        away.set()
        return ACCEPTED

    monkeypatch.setattr(pool, "transaction", may_fail)
    check_id = want(pool)
    checks(pool, Gateway(send)).step()
    wait_until(lambda: not away.is_set())
    wait_until(lambda: stored(pool, check_id).state is CheckState.DONE)


def test_checks_are_kept_ten_minutes(pool: Database) -> None:
    check_id = want(pool)
    change(pool, "requested_at = NOW(6) - INTERVAL 599 SECOND")
    assert pool.run(partial(delete_old_checks, limit=10)) == 0
    change(pool, "requested_at = NOW(6) - INTERVAL 601 SECOND")
    assert pool.run(partial(delete_old_checks, limit=10)) == 1
    assert pool.run(partial(read_check, provider="gateway", check_id=check_id)) is None
