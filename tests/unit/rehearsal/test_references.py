"""Objects that pods name have to be there, to the keys of their Secrets."""

import pytest

from rehearsal.cluster import Document
from rehearsal.references import missing


def named(name: str, **more: object) -> Document:
    return {"metadata": {"name": name}, **more}


POD = named(
    "sender",
    spec={
        "serviceAccountName": "sender",
        "volumes": [
            {"name": "config", "configMap": {"name": "config"}},
            {"name": "database", "secret": {"secretName": "database"}},
            {"name": "lists", "persistentVolumeClaim": {"claimName": "lists"}},
            {"name": "tmp", "emptyDir": {}},
        ],
        "containers": [
            {
                "env": [{"name": "DSN_FILE", "value": "/run/database/dsn"}],
                "command": ["/bin/key", "install", "/run/database/key"],
                "volumeMounts": [
                    {"name": "database", "mountPath": "/run/database"},
                    {"name": "config", "mountPath": "/etc/camp-mgr"},
                ],
            }
        ],
    },
)
INGRESS = named("api", spec={"tls": [{"secretName": "tls"}]})
COMPLETE = {
    "pods": [POD],
    "ingresses": [INGRESS],
    "serviceaccounts": [named("sender")],
    "configmaps": [named("config")],
    "persistentvolumeclaims": [named("lists", status={"phase": "Bound"})],
    "secrets": [named("database", data={"dsn": "eA==", "key": "eA=="}), named("tls", data={})],
}


def test_nothing_is_missing_where_everything_is_there() -> None:
    assert missing(lambda kind: COMPLETE[kind]) == []


@pytest.mark.parametrize(
    ("kind", "left", "said"),
    [
        ("serviceaccounts", [], ["ServiceAccount sender"]),
        ("configmaps", [named("config-of-before")], ["ConfigMap config"]),
        ("persistentvolumeclaims", [], ["a volume for the claim lists"]),
        (
            "persistentvolumeclaims",
            [named("lists", status={"phase": "Pending"})],
            ["a volume for the claim lists"],
        ),
        ("secrets", [], ["Secret database", "Secret tls of the Ingress"]),
        (
            "secrets",
            [named("database", data={"DSN": "eA=="}), named("tls", data={})],
            ["key dsn of the Secret database", "key key of the Secret database"],
        ),
    ],
)
def test_what_is_missing_is_named(kind: str, left: list[Document], said: list[str]) -> None:
    objects = {**COMPLETE, kind: left}
    assert missing(lambda kind: objects[kind]) == said
