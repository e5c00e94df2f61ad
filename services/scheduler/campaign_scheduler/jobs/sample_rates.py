"""Job that samples the progress of running campaigns, for the rate over the last minute."""

from campaign_common.database import Databases
from campaign_common.store.campaigns import progress as store

SAMPLE_INTERVAL = 5.0
"""Seconds between two samples of a campaign."""

SAMPLES_KEPT_FOR = 120
"""Seconds after which a sample of any scheduler is deleted."""


class RateSampler:
    """Sampler of the campaigns that `owner` leases: one scheduler samples each."""

    def __init__(self, databases: Databases, owner: str) -> None:
        self._databases = databases
        self._owner = owner

    def sample(self) -> None:
        """Add a sample for each running campaign, and delete old samples.

        Raises:
            RetryLater: a database is down; the rate is taken over fewer samples.
        """
        with self._databases.reading() as cursors:
            reached = store.milestones(cursors, self._owner)
        main = self._databases.main
        if reached:
            main.run(lambda cursor: store.add_samples(cursor, reached))
        main.run(lambda cursor: store.forget_samples(cursor, SAMPLES_KEPT_FOR))
