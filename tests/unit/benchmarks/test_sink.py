import http.client
import time

import pytest

from benchmarks.sink import boot_time
from benchmarks.sink_process import running_sink


@pytest.mark.parametrize("latency", [0.0, 0.05])
def test_the_sink_takes_every_send_and_reports_the_last(latency: float) -> None:
    """The sink takes every send and tells when the last one was."""
    with running_sink(latency) as sink:
        port = int(str(sink.settings()["Http"]).partition("127.0.0.1:")[2].partition("/")[0])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        before = boot_time()
        for _ in range(3):
            began = time.monotonic()
            connection.request("POST", "/messages", b'{"seq": 1}', {"Idempotency-Key": "1-1-0"})
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (202, b'{"id":"taken"}')
            assert time.monotonic() - began >= latency
        status = sink.status()
        connection.close()
    assert status["calls"] == 3
    assert before < status["last"] < boot_time()
