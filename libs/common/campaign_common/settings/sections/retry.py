"""Retry: the conditions under which a message that failed for a passing reason is tried again."""

from collections.abc import Iterator, Mapping
from dataclasses import fields

from campaign_common.settings.declaration import Conflict, Section, SectionMap, key, section_class
from campaign_common.settings.fields.plain import Duration, Int

ATTEMPTS = (1, 1_000)
BACKOFF = ("10ms", "24h")
AGE = ("1s", "8760h")
BACKOFF_ORDER = "expected BackoffBase at most as long as BackoffMax"


@section_class
class RetryPolicy:
    """The limits and the waits of retries."""

    max_attempts: int = key("MaxAttempts", Int(*ATTEMPTS), default=5)
    """Attempts before the message ends as `failed`, or as `unknown` when the last one was
    ambiguous."""
    backoff_base: float = key("BackoffBase", Duration(*BACKOFF), default="1s")
    """The wait before the second attempt. It doubles with each further one, less up to half of it
    at random."""
    backoff_max: float = key("BackoffMax", Duration(*BACKOFF), default="5m")
    """The longest wait, at least `BackoffBase`."""
    max_age: float = key("MaxAge", Duration(*AGE), default="24h")
    """The time after the first send of a message after which it is not tried again. The time in
    which its provider rests (a limit, a used-up day, an open circuit breaker, a wait that it asked
    for), or its campaign is paused, does not count. A message that a person has tried again counts
    from its next send. One that may have been taken by a provider that is not configured any more
    is tried until then."""


@section_class
class ThrottledRetrySettings:
    """The differences of an error class whose messages cost no attempt; None: no difference."""

    backoff_base: float | None = key("BackoffBase", Duration(*BACKOFF, null=True), default=None)
    """`Retry.BackoffBase` for this error class; `null`: the same."""
    backoff_max: float | None = key("BackoffMax", Duration(*BACKOFF, null=True), default=None)
    """`Retry.BackoffMax` for this error class; `null`: the same."""
    max_age: float | None = key("MaxAge", Duration(*AGE, null=True), default=None)
    """`Retry.MaxAge` for this error class; `null`: the same."""


@section_class
class RetryClassSettings(ThrottledRetrySettings):
    """The differences of an error class; None: no difference."""

    max_attempts: int | None = key("MaxAttempts", Int(*ATTEMPTS, null=True), default=None)
    """`Retry.MaxAttempts` for this error class; `null`: the same."""


@section_class
class AmbiguousRetrySettings(RetryClassSettings):
    """The differences of messages that may have been taken or not; None: no difference."""

    receipt_wait: float = key("ReceiptWait", Duration("0s", "24h"), default="60s")
    """The least wait before a message that may have been taken is sent again, where its provider
    sends receipts and does not know its idempotency key: a receipt that comes in time is proof, and
    the message is not sent again. See [receipts](../guides/receipts.md#waiting-for-a-receipt)."""


@section_class
class RetryClasses:
    """The error classes that pass."""

    retryable: RetryClassSettings = key("retryable", Section(RetryClassSettings), default={})
    """Messages that provably were not taken."""
    throttled: ThrottledRetrySettings = key(
        "throttled", Section(ThrottledRetrySettings), default={}
    )
    """Messages refused for lack of capacity, which cost no attempt."""
    ambiguous: AmbiguousRetrySettings = key(
        "ambiguous", Section(AmbiguousRetrySettings), default={}
    )
    """Messages that may have been taken or not."""


@section_class
class RetrySettings(RetryPolicy):
    """The policy of retries, and what differs for single error classes."""

    classes: Mapping[str, ThrottledRetrySettings] = key(
        "Classes", SectionMap(RetryClasses), default={}
    )
    """The differences of single error classes."""

    def of(self, error_class: str) -> RetryPolicy:
        """Return the policy of an error class."""
        policy = {each.name: getattr(self, each.name) for each in fields(RetryPolicy)}
        given = vars(self.classes.get(error_class, ThrottledRetrySettings()))
        changed = {k: value for k, value in given.items() if k in policy and value is not None}
        return RetryPolicy(**policy | changed)

    @property
    def receipt_wait(self) -> float:
        """Seconds for which a message that may have been taken waits for a receipt."""
        given = self.classes.get("ambiguous", AmbiguousRetrySettings())
        return given.receipt_wait if isinstance(given, AmbiguousRetrySettings) else 0.0

    def conflicts(self) -> Iterator[Conflict]:
        """Yield the first policy whose waits begin longer than they may last."""
        if self.backoff_base > self.backoff_max:
            yield ("BackoffBase",), BACKOFF_ORDER
            return
        for name, given in self.classes.items():
            policy = self.of(name)
            if policy.backoff_base > policy.backoff_max:
                wrong = "BackoffMax" if given.backoff_base is None else "BackoffBase"
                yield ("Classes", name, wrong), BACKOFF_ORDER
                return
