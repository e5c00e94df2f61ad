"""Job that samples the progress of running campaigns: for their present rate, and for plots."""

from collections.abc import Mapping
from datetime import datetime

from campaign_common.database import Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.store.campaigns import kept_samples
from campaign_common.store.campaigns import progress as store
from campaign_common.store.campaigns.kept_samples import KeptSample, SampleTrack
from campaign_common.store.campaigns.progress import Milestone

SAMPLE_INTERVAL = 5.0
"""Seconds between two samples of a campaign."""

SAMPLES_KEPT_FOR = 120
"""Seconds after which a sample of any scheduler is deleted, unless it is kept for plots."""

MOST_KEPT = 396
"""Kept samples of a campaign; with its start and its present they are less than 400."""

FIRST_SPACING = int(SAMPLE_INTERVAL)
"""Seconds between two kept samples of a campaign that has few."""


class RateSampler:
    """Sampler of the campaigns that `owner` leases: one scheduler samples each.

    Two that both hold a campaign for one sampled each: then it has more samples, all of them true.
    """

    def __init__(self, databases: Databases, owner: str) -> None:
        self._databases = databases
        self._owner = owner
        self._tracks: dict[CampaignId, SampleTrack | None] = {}

    def sample(self) -> None:
        """Add a sample for each running campaign, and delete old samples.

        Raises:
            RetryLater: a database is down; the rate is taken over fewer samples.
        """
        with self._databases.reading() as cursors:
            reached = store.milestones(cursors, self._owner)
            present = {one.campaign_id: one for one in reached}
            left = [id_ for id_ in self._tracks if id_ not in present]
            last = kept_samples.last_samples(cursors, left)
            new = [id_ for id_ in present if id_ not in self._tracks]
            tracks = kept_samples.read_tracks(cursors.main, new)
        main = self._databases.main
        if reached:
            main.run(lambda cursor: store.add_samples(cursor, reached))
        main.run(lambda cursor: store.forget_samples(cursor, SAMPLES_KEPT_FOR))
        self._tracks |= {id_: tracks.get(id_) for id_ in new}
        self._keep({id_: _kept(one) for id_, one in present.items()}, last)
        for id_ in left:
            del self._tracks[id_]

    def _keep(
        self, running: Mapping[CampaignId, KeptSample], last: Mapping[CampaignId, KeptSample]
    ) -> None:
        """Keep the samples of running campaigns that are due, and the last ones of others."""
        due = {id_: one for id_, one in running.items() if is_due(self._tracks[id_], one.at)}
        due |= {id_: one for id_, one in last.items() if _is_later(one.at, self._tracks[id_])}
        samples = []
        for id_, sample in sorted(due.items()):
            track = self._with_room(id_)
            spacing = FIRST_SPACING if track is None else track.spacing
            number = 0 if track is None else track.number
            samples.append((id_, spacing, sample))
            self._tracks[id_] = SampleTrack(number + 1, sample.at, spacing)
        if samples:
            self._databases.main.run(lambda cursor: kept_samples.add_kept_samples(cursor, samples))

    def _with_room(self, campaign_id: CampaignId) -> SampleTrack | None:
        """Return the track of a campaign after there is room for one more sample."""
        track = self._tracks[campaign_id]
        if track is None or track.number < MOST_KEPT:
            return track
        left = self._databases.main.run(lambda cursor: kept_samples.thin_out(cursor, campaign_id))
        return SampleTrack(left, track.last_at, track.spacing * 2)


def is_due(track: SampleTrack | None, at: datetime) -> bool:
    """Return whether a sample at a time is to be kept; samples come a little early or late."""
    if track is None:
        return True
    return (at - track.last_at).total_seconds() >= track.spacing - SAMPLE_INTERVAL / 2


def _is_later(at: datetime, track: SampleTrack | None) -> bool:
    return track is None or at > track.last_at


def _kept(reached: Milestone) -> KeptSample:
    unrecorded = max(reached.published - sum(reached.counts.values()), 0)
    return KeptSample(reached.at, unrecorded, reached.counts)
