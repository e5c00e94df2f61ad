"""The comparison of file, ledger and provider's log: each recipient has to be called once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmarks.recipients import FIRST_PHONE
from benchmarks.system import System
from campaign_common.domain.message import Status
from tests.chaos.accounts import compare
from tests.support.providers.recording_provider import Call

SLICE = 50_000

STATUSES = """
SELECT phone, status FROM campaign_messages WHERE campaign_id = %s AND seq BETWEEN %s AND %s
"""


@dataclass(frozen=True)
class Accounts:
    """Sums over all campaigns."""

    campaigns: int
    sent: int
    lost: int
    duplicates: int


def settle(system: System, calls: Iterable[Call], campaigns: Mapping[int, int]) -> Accounts:
    """Compare the accounts of campaigns, given with the recipients of each."""
    calls_of: dict[int, list[Call]] = {campaign: [] for campaign in campaigns}
    for call in calls:
        calls_of[call.sent.campaign_id].append(call)
    accounts = []
    for campaign, recipients in campaigns.items():
        phones = [str(FIRST_PHONE + n) for n in range(recipients)]
        ledger = _ledger(system, campaign, recipients)
        accounts.append(compare(phones, ledger, calls_of.pop(campaign)))
    return Accounts(
        campaigns=len(accounts),
        sent=sum(each.counts.get(Status.SENT, 0) for each in accounts),
        lost=sum(each.lost for each in accounts),
        duplicates=sum(each.duplicates for each in accounts),
    )


def _ledger(system: System, campaign: int, recipients: int) -> dict[str, int]:
    ledger: dict[str, int] = {}
    for first in range(1, recipients + 1, SLICE):
        system.cursor.execute(STATUSES, (campaign, first, first + SLICE - 1))
        ledger.update(system.cursor.fetchall())
    return ledger
