"""The worker: what it leaves as it is, and that a connection ends nothing but itself."""

import subprocess
import sys
import textwrap

UNPATCHED = """
    import sys
    import campaign_api.main
    from campaign_api.serving.worker import ApiWorker
    from gevent import monkey

    worker = object.__new__(ApiWorker)
    worker.sockets = []
    worker.patch()
    modules = ("socket", "ssl", "threading", "_thread", "time", "select", "queue", "os", "signal")
    print([name for name in modules if monkey.is_module_patched(name)], end=" ")
    print("confluent_kafka" in sys.modules)
"""


def test_nothing_is_patched_and_no_kafka_client_is_there() -> None:
    """Threads, locks and sockets of the application are Python's own, in every import's order."""
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(UNPATCHED)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ran.stdout == "[] False\n"
