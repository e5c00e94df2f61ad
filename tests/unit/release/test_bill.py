"""Bills of materials, as scanners read them."""

import json

import pytest

from release.bill import bill_of_materials
from release.errors import ReleaseError
from release.packages import Package

IMAGE = Package("campaign-api", "1.0", kind="oci")
PACKAGES = [
    Package("flask", "3.1", license="BSD-3-Clause", requires=("werkzeug", "asgiref")),
    Package("werkzeug", "3.2", license="Some License"),
    Package("zlib1g", "1:1.2", kind="deb", architecture="amd64"),
]


def test_a_bill_names_every_package_by_its_url() -> None:
    bill = json.loads(bill_of_materials(IMAGE, PACKAGES, container=True))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    subject = bill["metadata"]["component"]
    assert (subject["type"], subject["purl"]) == ("container", "pkg:oci/campaign-api@1.0")
    assert {each["purl"]: each.get("licenses") for each in bill["components"]} == {
        "pkg:pypi/flask@3.1": [{"license": {"id": "BSD-3-Clause"}}],
        "pkg:pypi/werkzeug@3.2": [{"license": {"name": "Some License"}}],
        "pkg:deb/debian/zlib1g@1:1.2?arch=amd64": None,
    }


def test_a_bill_says_what_needs_what() -> None:
    """Optional dependencies that are absent are left out."""
    bill = json.loads(bill_of_materials(IMAGE, PACKAGES, container=True))
    needed = {each["ref"]: each.get("dependsOn", []) for each in bill["dependencies"]}
    assert needed["pkg:pypi/flask@3.1"] == ["pkg:pypi/werkzeug@3.2"]
    assert needed["pkg:pypi/werkzeug@3.2"] == []
    assert len(needed["pkg:oci/campaign-api@1.0"]) == len(PACKAGES)


def test_an_invalid_bill_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("release.bill.JsonV1Dot6.output_as_string", lambda *_, **__: "{}")
    with pytest.raises(ReleaseError, match="campaign-api is no CycloneDX"):
        bill_of_materials(IMAGE, PACKAGES, container=True)
