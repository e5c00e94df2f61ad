"""Counters of a scheduler, incremented where the work is done, once per batch or event.

Gauges are not among them: `campaign_scheduler.gauges` reads them on scrape.
"""

from prometheus_client import Counter

from campaign_common.domain.events.delivery_retries import DeliveryState
from campaign_common.metrics.process import registry_in_memory

COUNTERS = registry_in_memory()
"""All metrics of this module; a process has them once."""

RECIPIENTS_PUBLISHED = Counter(
    "campaign_recipients_published", "Recipients published and counted", registry=COUNTERS
)
_RETRIES_PUBLISHED = Counter(
    "campaign_retries_published",
    "Records published for another try: due, or stranded",
    ["reason"],
    registry=COUNTERS,
)
DUE_RETRIES_PUBLISHED = _RETRIES_PUBLISHED.labels("due")
STRANDED_RETRIES_PUBLISHED = _RETRIES_PUBLISHED.labels("stranded")
_LEASE_CHANGES = Counter(
    "campaign_lease_changes",
    "Leases acquired, and leases ended: with their campaign, or lost",
    ["change"],
    registry=COUNTERS,
)
LEASES_ACQUIRED = _LEASE_CHANGES.labels("acquired")
LEASES_ENDED = _LEASE_CHANGES.labels("ended")
WATCHDOG_CHECKS = Counter("campaign_watchdog_checks", "Checks for lost records", registry=COUNTERS)
REPUBLICATIONS = Counter(
    "campaign_watchdog_republications",
    "Campaigns republished because records were lost",
    registry=COUNTERS,
)
RECORDS_LOST = Counter(
    "campaign_records_lost", "Published records found lost by the watchdog", registry=COUNTERS
)
WEBHOOK_TRIES = Counter(
    "campaign_webhook_tries",
    "Tries to post an event to a webhook, by result: delivered, pending (again later), given_up",
    ["result"],
    registry=COUNTERS,
)
for _state in DeliveryState:
    WEBHOOK_TRIES.labels(_state.value)
BOUNCES_SUPPRESSED = Counter(
    "campaign_bounces_suppressed", "People suppressed after hard bounces", registry=COUNTERS
)
