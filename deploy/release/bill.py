"""Bills of materials in CycloneDX 1.6 (JSON)."""

from collections.abc import Iterable

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.contrib.this.builders import this_component
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from release.errors import ReleaseError
from release.packages import Package

_NAMESPACES = {"deb": "debian"}


def bill_of_materials(subject: Package, packages: Iterable[Package], *, container: bool) -> str:
    """Return the bill of a wheel or of a container image.

    Raises:
        ReleaseError: the bill violates the schema of CycloneDX.
    """
    kind = ComponentType.CONTAINER if container else ComponentType.APPLICATION
    bom = Bom()
    bom.metadata.tools.components.add(this_component())
    bom.metadata.component = root = _component(subject, kind)
    contents = {(each.kind, each.name): each for each in packages}
    components = {key: _component(each, ComponentType.LIBRARY) for key, each in contents.items()}
    bom.components.update(components.values())
    bom.register_dependency(root, components.values())
    for (kind_of_package, name), package in contents.items():
        needed = ((kind_of_package, each) for each in package.requires)
        bom.register_dependency(
            components[kind_of_package, name],
            [components[each] for each in needed if each in components],
        )
    text = JsonV1Dot6(bom).output_as_string(indent=2)
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error is not None:
        raise ReleaseError(f"the bill of {subject.name} is no CycloneDX: {error}")
    return text + "\n"


def _component(package: Package, kind: ComponentType) -> Component:
    url = PackageURL(
        package.kind,
        _NAMESPACES.get(package.kind),
        package.name,
        package.version,
        {"arch": package.architecture} if package.architecture else None,
    )
    licenses = LicenseFactory()
    return Component(
        name=package.name,
        version=package.version,
        type=kind,
        bom_ref=str(url),
        purl=url,
        licenses=[licenses.make_from_string(package.license)] if package.license else [],
    )
