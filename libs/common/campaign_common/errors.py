"""Errors that callers are expected to handle; the type states the policy.

`UserError`: the caller must change the request. `RetryLater`: a later attempt may succeed. Any
other error is fatal to the operation.
"""

from collections.abc import Iterable


class CampaignError(Exception):
    """Root of the errors that this project raises on purpose."""


class UserError(CampaignError):
    """The request, file or configuration is wrong; repeating it changes nothing."""


class RetryLater(CampaignError):
    """Something outside is unavailable; the same operation may succeed later."""


class SettingsError(UserError):
    """The configuration holds an unknown or wrong key."""


class TransitionRefused(UserError):
    """The campaign's state does not allow what was asked."""

    def __init__(self, transition: str, state: str, allowed: Iterable[str]) -> None:
        self.transition = transition
        self.state = state
        self.allowed = list(allowed)
        verbs = ", ".join(self.allowed) or "nothing"
        super().__init__(f"a {state} campaign does not allow {transition}; it allows {verbs}")


class ErasureHeld(UserError):
    """Campaigns that run with shard counts that do not go together keep a person in a list."""


class RecordInvalid(CampaignError):
    """A Kafka record does not follow the published contract."""


class RecordTooNew(CampaignError):
    """A Kafka record is of a wire version that only a newer build can read."""

    def __init__(self, version: int, known: int) -> None:
        self.version = version
        super().__init__(f"wire_version {version} is newer than {known}")


class ClaimTooNew(RetryLater):
    """A claim is packed in a version that only newer senders can read and settle."""

    def __init__(self, version: int, known: int) -> None:
        self.version = version
        super().__init__(f"a claim of version {version} is newer than {known}")


class DatabaseUnavailable(RetryLater):
    """The database cannot be reached, refuses work, or did not answer in time."""


class CommitUnknown(RetryLater):
    """The connection was lost during COMMIT: it may or may not have taken effect."""


class DatabaseFull(RetryLater):
    """The database has no room for more rows."""


class SchemaOutdated(RetryLater):
    """The database lacks migrations or shard tables; `campaign-db migrate` adds them."""


class KafkaUnavailable(RetryLater):
    """The broker cannot be reached or did not acknowledge in time."""


class TopicMissing(RetryLater):
    """The topic does not exist; `campaign-topics create` makes it."""


class LeaseLost(CampaignError):
    """Another process holds what this one was working on; nothing was written."""


class DsnInvalid(UserError):
    """The data source name cannot be understood; the message never quotes the password."""


class DatabaseTimeout(DatabaseUnavailable):
    """A statement, or a transaction as a whole, outlasted its configured time."""


class DatabaseDemoted(DatabaseUnavailable):
    """The server answers and takes no writes: it is read-only, offline, or out of its cluster.

    A new connection through the same address may find the server that has taken its place.
    """


class ConnectionsExhausted(DatabaseUnavailable):
    """All connections of the pool stayed in use for as long as a caller may wait."""


class DatabaseContended(RetryLater):
    """A deadlock or a lock wait ended the transaction; the same one may succeed when repeated."""


class TemplateInvalid(UserError):
    """A message template is malformed, or names a placeholder that the list cannot fill.

    `subject` is the name of the template, `reason` what is wrong with it.
    """

    def __init__(self, subject: str, reason: str) -> None:
        self.subject = subject
        self.reason = reason
        comma = "," if reason.startswith("position") else ""
        super().__init__(f"{subject}{comma} {reason}")


class OriginatorInvalid(UserError):
    """A text cannot be the originator of a message."""


class SuppressionScopeInvalid(UserError):
    """A text cannot be the scope of a suppression."""


class DatabaseRefused(DatabaseUnavailable):
    """The database does not let the user in (credentials, host, schema) until that is changed."""


class StatementRefused(RetryLater):
    """The database refuses a statement for a reason outside of its data: rights, settings, state.

    An operator may change it. Until then the same statement fails again at once.
    """


class WritesRefused(StatementRefused):
    """A server does not take what a service writes; says what it lacks, and names no user."""


class LockBusy(RetryLater):
    """Another process holds a named lock of the database for longer than the caller waits."""


class PublishingHeld(RetryLater):
    """The partition map is being changed; nothing may be published until it has flipped."""


class ShardsMisplaced(CampaignError):
    """The configuration names a server for a shard that does not have its data."""


class ServicesRunning(CampaignError):
    """Services are at work that the migration would take their tables from; nothing was changed."""


class MigrationFailed(CampaignError):
    """A statement of a migration was refused; what it had done before was undone."""
