"""The rights (ACLs) that each service needs in Kafka, and which of them this user lacks.

A broker with an authorizer answers every description with the operations that the user who asks
may carry out (KIP-430); one without an authorizer allows all of them.
"""

from concurrent.futures import TimeoutError as FutureTimeout
from enum import StrEnum
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient  # type: ignore[attr-defined]

from campaign_common.errors import KafkaUnavailable
from campaign_common.kafka import clients
from campaign_common.kafka.dead_letters import dead_letter_group, dead_letter_topic
from campaign_common.kafka.topics import REQUEST_TIMEOUT, committed_offsets
from campaign_common.settings import Settings


class ResourceKind(StrEnum):
    """The type of a resource, as Kafka's tools name it."""

    TOPIC = "topic"
    GROUP = "group"
    CLUSTER = "cluster"


class KafkaResource(NamedTuple):
    """A topic, a group or the cluster."""

    kind: ResourceKind
    name: str


class Right(NamedTuple):
    """An operation on a resource."""

    operation: AclOperation
    resource: KafkaResource

    def __str__(self) -> str:
        """Name it as Kafka's documentation does: Write on topic Sync-Msg-T."""
        operation = "".join(word.capitalize() for word in self.operation.name.split("_"))
        kind, name = self.resource
        return f"{operation} on " + (
            "the cluster" if kind is ResourceKind.CLUSTER else f"{kind} {name}"
        )

    def as_options(self) -> str:
        """Return it as options of kafka-acls.sh."""
        operation = str(self).partition(" ")[0]
        kind, name = self.resource
        return f"--operation {operation} --{kind}" + (
            "" if kind is ResourceKind.CLUSTER else f" {name}"
        )


CLUSTER = KafkaResource(ResourceKind.CLUSTER, "kafka-cluster")

_REFUSED = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)


_UNTOLD = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.GROUP_ID_NOT_FOUND,
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    }
)
"""Answers about what does not exist yet, or whose coordinator is only being chosen."""


def needed_rights(settings: Settings) -> dict[str, list[Right]]:
    """List what each program needs, as docs/operations/overview.md does.

    Read and Write imply Describe in Kafka, and Write on any topic implies what an idempotent
    producer needs (KIP-679).
    """
    topic = KafkaResource(ResourceKind.TOPIC, settings.sync_client.topic)
    letters = KafkaResource(ResourceKind.TOPIC, dead_letter_topic(topic.name))
    group = KafkaResource(ResourceKind.GROUP, settings.send_client.group)
    replays = KafkaResource(ResourceKind.GROUP, dead_letter_group(group.name))
    may = AclOperation
    asking = settings.send_client.group_protocol == "auto"
    return {
        "campaign-scheduler": [
            Right(may.WRITE, topic),
            Right(may.DESCRIBE_CONFIGS, topic),
            Right(may.READ, letters),
            Right(may.WRITE, letters),
            Right(may.DELETE, letters),
            Right(may.DESCRIBE_CONFIGS, letters),
            Right(may.READ, replays),
        ],
        "campaign-sender": [
            Right(may.READ, topic),
            Right(may.WRITE, letters),
            Right(may.DESCRIBE_CONFIGS, letters),
            Right(may.READ, group),
            *([Right(may.DESCRIBE_CONFIGS, CLUSTER)] if asking else ()),
        ],
        "campaign-topics": [
            Right(may.DESCRIBE, topic),
            Right(may.WRITE, topic),
            Right(may.ALTER, topic),
            Right(may.DESCRIBE_CONFIGS, topic),
            Right(may.READ, letters),
            Right(may.DESCRIBE_CONFIGS, letters),
            Right(may.DESCRIBE, group),
            Right(may.READ, replays),
        ],
    }


class Lacking(NamedTuple):
    """A right that this user lacks, and the programs that need it."""

    right: Right
    programs: tuple[str, ...]


def lacking_rights(admin: AdminClient, settings: Settings) -> list[Lacking]:
    """Ask the broker which of the needed rights this user lacks.

    What does not exist yet is left out. Of a group only its description is tried: who has Describe
    and no Read is told by the sender's log.

    Raises:
        KafkaUnavailable: the broker did not answer.
    """
    programs: dict[Right, list[str]] = {}
    for program, rights in needed_rights(settings).items():
        for right in rights:
            programs.setdefault(right, []).append(program)
    allowed = {
        resource: _allowed(admin, resource, settings)
        for resource in dict.fromkeys(right.resource for right in programs)
    }
    return [
        Lacking(right, tuple(those))
        for right, those in programs.items()
        if (may := allowed[right.resource]) is not None and right.operation not in may
    ]


def _allowed(
    admin: AdminClient, resource: KafkaResource, settings: Settings
) -> frozenset[AclOperation] | None:
    """Return what this user may do with a resource; None where that cannot be told."""
    try:
        return _described(admin, resource, settings)
    except FutureTimeout as error:
        raise KafkaUnavailable(f"rights on {resource.name}: no answer from the broker") from error
    except (KafkaException, KafkaUnavailable) as error:
        cause = error if isinstance(error, KafkaException) else error.__cause__
        code = cause.args[0].code() if isinstance(cause, KafkaException) else None
        if code in _REFUSED:
            return frozenset()
        if code in _UNTOLD:
            return None
        raise KafkaUnavailable(f"rights on {resource.name}: {error}") from error


def _described(
    admin: AdminClient, resource: KafkaResource, settings: Settings
) -> frozenset[AclOperation]:
    kind, name = resource
    if kind is ResourceKind.CLUSTER:
        # The description of the cluster says nothing to those who may not describe it.
        clients.group_session(settings, admin)
        return frozenset({AclOperation.DESCRIBE_CONFIGS})
    if kind is ResourceKind.GROUP:
        # A description would say more, and ends the process where the group's coordinator is not
        # there yet (librdkafka 2.16). Describe, which Read implies, is what this needs.
        committed_offsets(admin, name, settings.sync_client.topic)
        return frozenset({AclOperation.DESCRIBE, AclOperation.READ})
    future = admin.describe_topics(
        TopicCollection([name]), include_authorized_operations=True, request_timeout=REQUEST_TIMEOUT
    )[name]
    return frozenset(future.result(REQUEST_TIMEOUT * 2).authorized_operations or ())
