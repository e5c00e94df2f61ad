"""Every overlay is rehearsed, by the commands of the documents."""

from manifests.rendering import REPOSITORY, overlays
from rehearsal.building import ETCD, KEDA_SUMS, KUBERNETES, KWOK, versions
from rehearsal.overlays import REHEARSALS
from rehearsal.steps.installing import SECRETS

OPERATIONS = (REPOSITORY / "docs" / "operations" / "overview.md").read_text()
PAGE = (REPOSITORY / "docs" / "transcripts" / "k8s-rehearsal.md").read_text()


def test_every_overlay_is_rehearsed() -> None:
    assert sorted(REHEARSALS) == overlays()


def test_secrets_are_made_as_the_documents_say() -> None:
    written = " ".join(OPERATIONS.replace("\\\n", " ").split())
    for command in SECRETS.splitlines():
        assert command in written


def test_the_transcript_is_of_the_versions_that_are_built() -> None:
    built = versions()
    for name, version in (
        ("Kubernetes", built[KUBERNETES]),
        ("etcd", built[ETCD]),
        ("kwok", built[KWOK]),
        *(("KEDA", version) for version in KEDA_SUMS),
    ):
        assert f"{name} {version}" in PAGE


def test_the_transcript_has_every_overlay() -> None:
    for overlay in overlays():
        assert f"## overlays/{overlay}\n" in PAGE
