"""Receipts by a provider's id, and of single messages."""

from collections.abc import Sequence
from functools import partial

from campaign_api.metrics import CallbackMetrics
from campaign_api.serving.callbacks.message_receipts import SideReceipt
from campaign_common.database import Databases
from campaign_common.domain.receipts.identified_receipt import IdentifiedReceipt
from campaign_common.store.messages.trial_receipts import TrialReceipt, write_trial_receipts
from campaign_common.store.receipts.identified_receipts import IdentifiedReceiptWriter
from campaign_common.store.receipts.receipt_writer import ReceiptWriter

EARLY = "early"
"""Receipts by a provider's id that no message has yet; they are looked up again."""


class SideReceiptWriter:
    """Writer of such receipts, which counts what is committed."""

    def __init__(
        self, databases: Databases, writer: ReceiptWriter, days: int, metrics: CallbackMetrics
    ) -> None:
        """Write with `writer`, and look for the ids of as many `days` before today."""
        self._main = databases.main
        self._identified = IdentifiedReceiptWriter(databases, writer, days)
        self._metrics = metrics

    def write(self, receipts: Sequence[SideReceipt]) -> None:
        """Store receipts; may be repeated as a whole after any error.

        Raises:
            RetryLater: a database is away, or its answer to COMMIT was lost.
        """
        tests = [one for one in receipts if isinstance(one, TrialReceipt)]
        if tests:
            stored = self._main.run(partial(write_trial_receipts, receipts=tests))
            self._count({"stored": stored, "repeated": len(tests) - stored})
        identified = [one for one in receipts if isinstance(one, IdentifiedReceipt)]
        (stored, repeated, unmatched), early = self._identified.write(identified)
        self._count({"stored": stored, "repeated": repeated, **unmatched, EARLY: early})

    def _count(self, results: dict[str, int]) -> None:
        for result, number in results.items():
            if number:
                self._metrics.written(result, number)
