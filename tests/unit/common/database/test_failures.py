import pytest
from pymysql.err import (
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
)

from campaign_common.database.failures import meaning_of, translated
from campaign_common.database.limits import Limits
from campaign_common.errors import (
    CampaignError,
    DatabaseContended,
    DatabaseDemoted,
    DatabaseFull,
    DatabaseRefused,
    DatabaseTimeout,
    DatabaseUnavailable,
    RetryLater,
    StatementRefused,
)


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (OperationalError(2003, "Can't connect"), DatabaseUnavailable),
        (OperationalError(2013, "Lost connection"), DatabaseUnavailable),
        (OperationalError(1290, "running with the --read-only option"), DatabaseDemoted),
        (OperationalError(1792, "Cannot execute statement in a READ ONLY"), DatabaseDemoted),
        (OperationalError(1836, "Running in read-only mode"), DatabaseDemoted),
        (OperationalError(1047, "WSREP has not yet prepared node"), DatabaseDemoted),
        (OperationalError(3032, "The server is currently in offline mode"), DatabaseDemoted),
        (OperationalError(1040, "Too many connections"), DatabaseUnavailable),
        (InterfaceError(0, ""), DatabaseUnavailable),
        (InternalError("Packet sequence number wrong - got 1 expected 2"), DatabaseUnavailable),
        (OperationalError(1969, "max_statement_time exceeded"), DatabaseTimeout),
        (OperationalError(3024, "maximum statement execution time exceeded"), DatabaseTimeout),
        (OperationalError(1213, "Deadlock found"), DatabaseContended),
        (OperationalError(1205, "Lock wait timeout exceeded"), DatabaseContended),
        (OperationalError(1114, "The table is full"), DatabaseFull),
        (OperationalError(1030, "Got error 28 from storage engine"), DatabaseFull),
        (OperationalError(3, "Error writing file (OS errno: 28 - No space left)"), DatabaseFull),
        (OperationalError(1045, "Access denied"), DatabaseRefused),
        (OperationalError(1049, "Unknown database"), DatabaseRefused),
        (OperationalError(1142, "DELETE command denied"), StatementRefused),
        (OperationalError(1175, "You are using safe update mode"), StatementRefused),
        (InternalError(1665, "Cannot execute statement: binary log"), StatementRefused),
        (ProgrammingError(1146, "Table does not exist"), StatementRefused),
        (OperationalError(9999, "a number that nobody knows yet"), StatementRefused),
    ],
)
def test_a_driver_error_becomes_what_it_means(error: Error, meaning: type[CampaignError]) -> None:
    found = meaning_of(error)
    assert type(found) is meaning
    assert str(error.args[-1]) in str(found)


def test_the_meaning_carries_the_policy() -> None:
    for passing in (
        DatabaseUnavailable,
        DatabaseTimeout,
        DatabaseContended,
        DatabaseFull,
        DatabaseRefused,
        StatementRefused,
    ):
        assert issubclass(passing, RetryLater)


@pytest.mark.parametrize(
    "error", [IntegrityError(1062, "Duplicate entry"), DataError(1406, "Data too long")]
)
def test_errors_about_data_pass_as_they_are(error: Error) -> None:
    assert meaning_of(error) is None
    with pytest.raises(type(error)) as passed, translated():
        raise error
    assert passed.value is error


def test_a_silent_server_is_told_from_one_that_hung_up() -> None:
    """A server that does not answer is distinguished from one that hung up."""
    silent = OperationalError(2013, "Lost connection")
    silent.__context__ = TimeoutError("timed out")
    assert type(meaning_of(silent)) is DatabaseTimeout


def test_each_server_is_told_the_limits_in_its_own_words() -> None:
    limits = Limits(query=0.25, execute=8.0, transaction=4.5)
    shared = {"SESSION innodb_lock_wait_timeout = 4", "SESSION lock_wait_timeout = 4"}
    assert set(limits.session_variables(mariadb=True)) == {
        *shared,
        "SESSION max_statement_time = 8.0",
        "SESSION idle_transaction_timeout = 6",
    }
    assert set(limits.session_variables(mariadb=False)) == {
        *shared,
        "SESSION max_execution_time = 250",
        "SESSION wait_timeout = 6",
    }
