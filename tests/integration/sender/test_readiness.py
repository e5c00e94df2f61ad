"""Answers to probes by senders and schedulers that run as processes."""

from contextlib import ExitStack

import pytest
import requests

from campaign_common.dsn import parse_dsn
from local_stack.ports import free_port
from tests.integration.sender.world import World
from tests.support.servers.tcp_proxy import TcpProxy
from tests.support.services.processes import running
from tests.support.waiting import wait_until

SLOW = {"Latency": {"Distribution": "constant", "Mean": "3s"}}


def probed(port: int, page: str) -> tuple[int, str]:
    """The status of a page and its reason; 0 while nobody listens."""
    try:
        answer = requests.get(f"http://127.0.0.1:{port}/{page}", timeout=5)
    except requests.ConnectionError:
        return 0, ""
    return answer.status_code, answer.json().get("reason", "")


@pytest.mark.parametrize("program", ["campaign-sender", "campaign-scheduler"])
def test_a_database_outage_makes_a_service_unready_not_dead(world: World, program: str) -> None:
    """An outage of the database fails the readiness check and not the liveness check."""
    dsn = parse_dsn(world.dsn)
    port = free_port()
    with TcpProxy((dsn.host, dsn.port)) as proxy:
        through_proxy = world.dsn.replace(f"{dsn.host}:{dsn.port}", f"127.0.0.1:{proxy.port}")
        world.configure(
            Mysql={"DSN": through_proxy, "QueryTimeout": "1s", "TranTimeout": "1s"},
            HealthPort=port,
            Host="127.0.0.1",
        )
        with running(program, world.config) as process:
            wait_until(lambda: probed(port, "readyz") == (200, ""))
            proxy.hang()
            wait_until(lambda: probed(port, "readyz")[0] == 503)
            assert "database" in probed(port, "readyz")[1]
            assert probed(port, "healthz")[0] == 200
            proxy.flow()
            wait_until(lambda: probed(port, "readyz")[0] == 200)
        assert process.returncode == 0


def test_a_server_that_refuses_writes_is_named_with_the_remedy(world: World) -> None:
    ports = [free_port(), free_port()]
    ((usual,),) = world.rows("SELECT @@GLOBAL.max_allowed_packet")
    world.rows("SET GLOBAL max_allowed_packet = 1048576")
    with ExitStack() as stack:
        try:
            for port, program in zip(ports, ("campaign-sender", "campaign-scheduler"), strict=True):
                world.configure(HealthPort=port, Host="127.0.0.1")
                stack.enter_context(running(program, world.config))
                wait_until(lambda port=port: "writes: max_allowed" in probed(port, "readyz")[1])
                assert probed(port, "readyz")[0] == 503
                assert "SET GLOBAL max_allowed_packet" in probed(port, "readyz")[1]
                assert probed(port, "healthz")[0] == 200
        finally:
            world.rows(f"SET GLOBAL max_allowed_packet = {usual}")
        for port in ports:
            wait_until(lambda port=port: probed(port, "readyz") == (200, ""))


def test_a_sender_without_its_schema_says_what_it_waits_for(world: World) -> None:
    port = free_port()
    world.configure(HealthPort=port, Host="127.0.0.1", MsgTableShardingSize=9)
    with world.sender():
        wait_until(lambda: "messages_8" in probed(port, "readyz")[1])
        assert probed(port, "healthz")[0] == 200


def test_a_sender_that_drains_takes_no_part_any_more(world: World) -> None:
    port = free_port()
    world.configure(HealthPort=port, Host="127.0.0.1", Simulated=SLOW)
    world.add_campaign(100)
    world.publish(range(1, 101))
    with world.sender() as sender:
        wait_until(lambda: world.claimed() > 0 and probed(port, "readyz")[0] == 200)
        sender.terminate()
        wait_until(lambda: probed(port, "readyz") == (503, "stopping"))
        assert probed(port, "healthz")[0] == 200
        assert sender.wait(15) == 0
    assert world.claimed() == 0


def test_a_port_that_is_taken_is_one_line(world: World) -> None:
    port = free_port()
    world.configure(HealthPort=port, Host="127.0.0.1")
    with running("campaign-scheduler", world.config):
        wait_until(lambda: probed(port, "healthz")[0] == 200)
        with world.sender() as second:
            assert second.wait(30) == 1
    logs = [log.read_text() for log in world.config.parent.glob("campaign-sender-*.log")]
    assert f"HealthPort {port}: Address already in use" in logs[0]
    assert "Traceback" not in logs[0]
