"""A broker that asks for a password and allows each user what its rights (ACLs) name."""

from pathlib import Path

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from local_stack.distributions.cache import Cache
from local_stack.ports import free_port
from local_stack.servers.kafka import KafkaServer, group_timeouts

PASSWORD = "correct horse"
USERS = ("admin", "sender", "scheduler")


class GuardedKafka:
    """A broker with a listener that requires SASL/PLAIN, beside the open one for its own start.

    Clients of the open listener and `admin` may do everything; the other users only what a test
    allows them.
    """

    def __init__(self, folder: Path, cache: Cache) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        passwords = "".join(f' user_{user}="{PASSWORD}"' for user in USERS)
        self.server = KafkaServer(
            folder,
            cache,
            listeners=[f"GUARDED://{self.address}"],
            properties={
                "listener.security.protocol.map": (
                    "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,GUARDED:SASL_PLAINTEXT"
                ),
                "inter.broker.listener.name": "PLAINTEXT",
                "sasl.enabled.mechanisms": "PLAIN",
                "listener.name.guarded.plain.sasl.jaas.config": (
                    "org.apache.kafka.common.security.plain.PlainLoginModule required"
                    f' username="admin" password="{PASSWORD}"{passwords};'
                ),
                "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "super.users": "User:ANONYMOUS;User:admin",
                **group_timeouts(6_000, 500),
            },
        )

    def admin(self) -> AdminClient:
        """Return a client that may do everything."""
        return AdminClient({"bootstrap.servers": self.server.brokers})

    def allow(self, user: str, kind: ResourceType, name: str, *operations: AclOperation) -> None:
        """Give a user rights on a resource."""
        literal, allow = ResourcePatternType.LITERAL, AclPermissionType.ALLOW
        bindings = [
            AclBinding(kind, name, literal, f"User:{user}", "*", operation, allow)
            for operation in operations
        ]
        admin = self.admin()
        for future in admin.create_acls(bindings).values():
            future.result(30)

    def forbid_all(self, user: str) -> None:
        """Take every right away from a user."""
        everything = AclBindingFilter(
            ResourceType.ANY,
            None,
            ResourcePatternType.ANY,
            f"User:{user}",
            None,
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        admin = self.admin()
        for future in admin.delete_acls([everything]).values():
            future.result(30)
