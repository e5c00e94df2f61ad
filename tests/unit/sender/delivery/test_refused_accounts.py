"""Eight senders of one provider that refuses their accounts, over a table and a clock in memory."""

import pytest

from campaign_common.store.messages.provider_account_breakers import AccountBreaker
from campaign_providers.contract import SendResult, SendStatus
from tests.unit.sender.delivery.test_guarded_provider import Scene, granted
from tests.unit.sender.messages import message

STEP = 0.1
SENDERS = 8
SECONDS = 60.0


@pytest.mark.parametrize("secrets", [1, 2], ids=["one secret", "two secrets"])
def test_probes_and_rows_are_bounded_with_any_secrets(secrets: int) -> None:
    """Each sender makes at most its ten probes each 4 s, and writes one row for them."""
    senders = [Scene() for _ in range(SENDERS)]
    for n, one in enumerate(senders):
        one.provider.account_digest = f"digest {n % secrets}"
        one.guarded.follow(None, {})
    table: dict[str, float] = {}
    probes = rows = 0
    for step in range(int(SECONDS / STEP)):
        now = step * STEP
        for n, one in enumerate(senders):
            one.now = now
            tried = one.guarded.check_before_send([granted() for _ in range(20)])
            sent = tried.count(None)
            probes += sent
            for _ in range(sent):
                one.guarded.on_results([SendResult(message(), SendStatus.ACCOUNT)])
            if (step + n) % 3:
                continue
            for seconds, account, _ in one.guarded.take_opened():
                assert account is not None
                table[account] = max(table.get(account, 0.0), now + seconds)
                rows += 1
            one.guarded.follow(
                None, {each: AccountBreaker(end - now) for each, end in table.items() if end > now}
            )
    cycles = SECONDS / 4.0
    assert 0 < probes <= SENDERS * (20 + 10 * cycles)
    assert 0 < rows <= SENDERS * (1 + cycles)
