"""gunicorn, run from inside: processes, threads, signals and logs as this service has them."""

import gc
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from campaign_api.app import create_app
from campaign_api.erased.keys import ErasureKeys
from campaign_api.messages.erasing import Eraser
from campaign_api.serving.callbacks.callback_content import CallbackReader
from campaign_api.serving.callbacks.commit_batches import CommitBatches
from campaign_api.serving.callbacks.counted_writes import counted, counted_inbound
from campaign_api.serving.callbacks.endpoint import (
    INBOUND_BOUNDS,
    CallbackBatches,
    CallbackEndpoint,
    EndpointMetrics,
)
from campaign_api.serving.callbacks.receipt_batches import BOUNDS, ReceiptBatches
from campaign_api.serving.callbacks.side_receipts import SideReceiptWriter
from campaign_api.serving.connection_bounds import ConnectionBounds, allowed
from campaign_api.serving.metrics_port import MetricsPort, MetricsWorker
from campaign_api.serving.worker import ApiWorker
from campaign_api.sweep import Sweeper
from campaign_api.web.routing.application import Application
from campaign_common.database import Databases
from campaign_common.domain.suppressions.change_log_position import longest_transaction
from campaign_common.settings import Settings
from campaign_common.settings.keywords import keyword_policy_of
from campaign_common.store.inbound.inbound_writer import InboundWriter
from campaign_common.store.receipts.provider_ids import days_kept
from campaign_common.store.receipts.receipt_writer import ReceiptWriter
from campaign_common.tracing import tracing_of

SILENT_WORKER_TIMEOUT = 60
"""Seconds after which a worker whose main loop stands still is replaced.

A long import does not count: it runs in a thread beside that loop.
"""

BACKLOG = 64

SWITCH_INTERVAL = 0.0005
"""Seconds for which a thread that computes keeps others of its worker waiting.

A request comes back from the database several times, and would wait Python's usual 5 ms each
time while another thread of its worker writes a long page.
"""

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - only an unlinked heartbeat file is made there


class GunicornServer(BaseApplication):  # type: ignore[misc]
    """The API service: a master process, and workers that each have a database pool."""

    def __init__(
        self,
        settings: Settings,
        listeners: Sequence[int],
        metrics: MetricsPort | None,
        callbacks: Mapping[str, CallbackReader],
    ) -> None:
        """Take over the descriptors of listening sockets; gunicorn closes them.

        The first is that of Port, another one that of CallbackPort. `callbacks`: the readers of
        callbacks, by provider.
        """
        self._settings = settings
        self._listeners = listeners
        self._callbacks = callbacks
        self._endpoint: CallbackEndpoint | None = None
        self._metrics = metrics
        self._metrics_worker: MetricsWorker | None = None
        self._databases: Databases | None = None
        self._sweeper: Sweeper | None = None
        self._tracing = ExitStack()
        self._connections = allowed(
            ConnectionBounds.wanted(len(callbacks), has_callback_port=len(listeners) > 1)
        )
        super().__init__()

    @property
    def connections(self) -> ConnectionBounds:
        """Clients that a worker may hold connections of."""
        return self._connections

    @property
    def callback_endpoint(self) -> CallbackEndpoint:
        """The endpoint of callbacks, once the application is loaded."""
        if self._endpoint is None:
            raise RuntimeError("the application is not loaded")
        return self._endpoint

    @property
    def settings(self) -> Settings:
        """The settings that this server was made from; its workers read them."""
        return self._settings

    def load_config(self) -> None:
        """Configure gunicorn; called by it."""
        for name, value in self._options().items():
            # An older gunicorn lacks some options, and what they switch off.
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Application:
        """Make the application; called by gunicorn in every worker, after the fork."""
        sys.setswitchinterval(SWITCH_INTERVAL)
        self._databases = Databases.configured(self._settings)
        main = self._databases.main
        if self._metrics is not None:
            self._metrics_worker = self._metrics.serve_in_worker(self._databases.all)
        keys = ErasureKeys(self._settings.erasure)
        longest = longest_transaction(self._settings.mysql.tran_timeout)
        eraser = Eraser(main, self._settings.msg_table_sharding_size, keys, longest)
        self._sweeper = Sweeper(main, eraser, longest, self._settings.inbound)
        self._sweeper.start()
        tracer = self._tracing.enter_context(tracing_of(self._settings, "api"))
        app = create_app(self._settings, self._databases, tracer)
        self._endpoint = self._make_endpoint(app, self._databases)
        # What stands here now stays: a full collection in the middle of a request skips it.
        gc.collect()
        gc.freeze()
        return app

    def close(self) -> None:
        """Release what `load` made."""
        if self._metrics_worker is not None:
            self._metrics_worker.stop()
        if self._sweeper is not None:
            self._sweeper.stop()
        self._tracing.close()
        if self._databases is not None:
            self._databases.close()

    def forget_worker(self, pid: int) -> None:
        """Take note in the master that a worker has ended."""
        if self._metrics is not None:
            self._metrics.forget_worker(pid)

    def _make_endpoint(self, app: Application, databases: Databases) -> CallbackEndpoint:
        metrics = EndpointMetrics(app.extensions["metrics"], app.extensions["callback_metrics"])
        receipts = ReceiptWriter(databases, self._settings.hard_bounces)
        write_receipts = counted(receipts.write, metrics.callbacks)
        inbound = InboundWriter(
            databases.main,
            keyword_policy_of(self._settings),
            longest_transaction(self._settings.mysql.tran_timeout),
            ErasureKeys(self._settings.erasure).readable_hashes,
        )
        write_inbound = counted_inbound(inbound.write, metrics.callbacks)
        days = days_kept(self._settings.receipts.keep_for)
        beside = SideReceiptWriter(databases, receipts, days, metrics.callbacks)
        return CallbackEndpoint(
            self._callbacks,
            self._settings.callbacks.base_url or "",
            CallbackBatches(
                ReceiptBatches(databases, write_receipts),
                CommitBatches(write_inbound, INBOUND_BOUNDS),
                CommitBatches(beside.write, BOUNDS),
            ),
            metrics,
            self._connections.provider,
        )

    def run(self) -> None:
        """Serve until a signal ends the process."""
        _Master(self).run()

    def _options(self) -> dict[str, Any]:
        return {
            "bind": [f"fd://{listener}" for listener in self._listeners],
            "workers": self._settings.workers,
            "worker_class": ApiWorker,
            # Beyond its own bound the worker closes what it has accepted, and does not wait.
            "worker_connections": self._connections.total + BACKLOG,
            # No header of a client changes where it comes from, or which path it asks for.
            "forwarded_allow_ips": "",
            "limit_request_fields": self._settings.api.max_headers,
            "graceful_timeout": max(1, round(self._settings.drain_timeout)),
            "timeout": SILENT_WORKER_TIMEOUT,
            "worker_tmp_dir": str(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else None,
            "control_socket_disable": True,
            "logger_class": _PropagatingLogger,
            "worker_exit": _close_worker,
            "child_exit": _forget_worker,
            "proc_name": "campaign-api",
        }


class _Master(Arbiter):  # type: ignore[misc]
    """gunicorn's master, for which a second SIGTERM means at once."""

    _asked_to_stop = False

    def signal(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM:
            if self._asked_to_stop:
                sig = signal.SIGQUIT
            self._asked_to_stop = True
        super().signal(sig, frame)


class _PropagatingLogger(Logger):  # type: ignore[misc]
    """gunicorn's own log by the handlers of this process; requests are logged by Flask."""

    def setup(self, cfg: Any) -> None:  # noqa: ANN401 - gunicorn's own type, which is untyped
        self.cfg = cfg
        self._access_log_enabled = False
        self.error_log.propagate = True


def _close_worker(_master: Arbiter, worker: Any) -> None:  # noqa: ANN401 - as above
    worker.app.close()


def _forget_worker(_master: Arbiter, worker: Any) -> None:  # noqa: ANN401 - as above
    worker.app.forget_worker(worker.pid)
