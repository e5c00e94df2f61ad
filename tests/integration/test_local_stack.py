"""The local stack keeps its promises with real servers and processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import psutil
import pymysql
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from campaign_common.dsn import parse_dsn
from local_stack.distributions.cache import REPOSITORY, Cache
from local_stack.scratch import scratch_folder
from local_stack.servers.database import DatabaseServer, Flavour, _socket_folder
from local_stack.servers.kafka import KafkaServer, quiet_admin
from local_stack.stack import Stack, database_program
from tests.support.servers.databases import SchemaServer


def test_each_test_gets_an_empty_schema_on_a_durable_server(database: str) -> None:
    dsn = parse_dsn(database)
    connection = pymysql.connect(
        host=dsn.host,
        port=dsn.port,
        user=dsn.user,
        password=dsn.password,
        database=dsn.database,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SHOW TABLES")
        assert cursor.fetchall() == ()
        cursor.execute("SELECT @@innodb_flush_log_at_trx_commit, @@innodb_doublewrite")
        assert cursor.fetchone() in {(1, 1), (1, "ON")}


def test_flavours_are_what_they_say(
    database_server: SchemaServer, request: pytest.FixtureRequest
) -> None:
    dsn = parse_dsn(database_server.dsn)
    connection = pymysql.connect(host=dsn.host, port=dsn.port, user=dsn.user)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        (version,) = cursor.fetchone() or ("",)
    assert ("MariaDB" in version) == ("mariadb" in request.node.name)


@pytest.mark.parametrize("flavour", ["mariadb", "mysql"])
def test_killed_database_keeps_what_was_committed(flavour: Flavour, cache: Cache) -> None:
    with scratch_folder("test") as folder:
        server = DatabaseServer(folder, database_program(flavour, cache))
        server.start()
        try:
            with server.connect("camp") as connection, connection.cursor() as cursor:
                cursor.execute("CREATE TABLE kept (id INT PRIMARY KEY)")
                cursor.execute("INSERT INTO kept VALUES (7)")
                connection.commit()
            port = server.port
            server.kill()
            server.start()
            assert server.port == port
            with server.connect("camp") as connection, connection.cursor() as cursor:
                cursor.execute("SELECT id FROM kept")
                assert cursor.fetchall() == ((7,),)
        finally:
            server.stop()


def test_broker_refuses_unknown_topics(kafka_server: KafkaServer) -> None:
    admin = AdminClient({"bootstrap.servers": kafka_server.brokers})
    topic = admin.list_topics("no-such-topic", timeout=10).topics["no-such-topic"]
    assert topic.error is not None


def test_a_broker_maps_recorded_classes(kafka_server: KafkaServer) -> None:
    mapped = {place.path for place in psutil.Process(kafka_server.process.pid).memory_maps()}
    assert any("-classes-" in path for path in mapped), mapped


def test_classic_broker_answers(kafka_39_server: KafkaServer) -> None:
    admin = AdminClient({"bootstrap.servers": kafka_39_server.brokers})
    assert len(admin.list_topics(timeout=10).brokers) == 1


def test_a_private_stack_lets_nobody_in_without_its_password(cache: Cache) -> None:
    """Every user of the machine may connect to 127.0.0.1; the socket lies in a private folder."""
    with (
        scratch_folder("test") as folder,
        Stack(folder / "stack", cache, private=True) as stack,
    ):
        assert folder.stat().st_mode & 0o077 == 0
        for name in ("stack.json", "kafka/server.properties", "database/init.sql"):
            assert (stack.folder / name).stat().st_mode & 0o077 == 0, name
        for place in (
            {"host": "127.0.0.1", "port": stack.database.port},
            {"unix_socket": str(_socket_folder(stack.folder / "database") / "sock")},
        ):
            for user in ("root", "", "camp"):
                with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
                    pymysql.connect(user=user, **place)  # type: ignore[arg-type]
        for port in stack.kafka._ports:
            with pytest.raises(KafkaException):
                quiet_admin(f"127.0.0.1:{port}").list_topics(timeout=1)
        properties = stack.addresses.kafka_properties
        assert quiet_admin(stack.kafka.brokers, properties).list_topics(timeout=20).brokers


def test_no_server_outlives_a_killed_owner() -> None:
    script = (
        "import sys, time; from pathlib import Path;"
        "from local_stack.servers.database import DatabaseServer;"
        "from local_stack.distributions.cache import Cache;"
        "from local_stack.stack import database_program;"
        "server = DatabaseServer(Path(sys.argv[1]),"
        " database_program('mariadb', Cache.from_environment()));"
        "server.start(); print(server.process.pid, flush=True); time.sleep(600)"
    )
    with scratch_folder("test") as folder:
        owner = subprocess.Popen(
            [sys.executable, "-c", script, str(folder)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY / "deploy")},
        )
        assert owner.stdout is not None
        server_pid = int(owner.stdout.readline())
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        owner.stdout.close()
        _eventually(lambda: not psutil.pid_exists(server_pid))


def _eventually(condition: Callable[[], bool], timeout_seconds: float = 30) -> None:
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition was never met"
        time.sleep(0.05)
