"""The SBOM of an image: its packages, base image and models, as CycloneDX JSON.

Format: CycloneDX 1.6 (cyclonedx.org/docs/1.6/json). It has no serial number and no time, so that
the same function has the same SBOM. Nuclio's own packages are not in it: they depend on the Nuclio
that builds the image.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from builder import __version__
from builder.backends import wheels
from builder.backends.registry import requirements
from builder.manifest.variants import VariantName
from builder.plan.plan import Plan
from builder.targets.nuclio.image_settings import HashedPackage, ImageSettings

_TERM = r"\(*[A-Za-z0-9.+-]+\)*"
_EXPRESSION = re.compile(rf"{_TERM}( (AND|OR|WITH) {_TERM})*")
"""An SPDX license expression (spdx.github.io/spdx-spec, annex D), by its form."""


def sbom(plan: Plan, variant: VariantName, digests: Mapping[str, str]) -> str:
    """Return the SBOM of a variant's image.

    Args:
        plan: the function.
        variant: the variant.
        digests: SHA-256 of the model files, by name.
    """
    data = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": {
                "components": [{"type": "application", "name": "cvatbuild", "version": __version__}]
            },
            "component": {
                "type": "container",
                "bom-ref": "function",
                "name": plan.name,
                "description": f"{variant.upper()} variant of a function for CVAT",
            },
        },
        "components": [
            _base_image(plan.settings(variant).part(ImageSettings).base_image),
            *_debian_packages(plan, variant),
            *_python_packages(plan, variant),
            *_models(plan, variant, digests),
        ],
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _base_image(image: str) -> dict[str, Any]:
    """Return the component of the base image."""
    named, _, digest = image.partition("@sha256:")
    # A colon before the last slash belongs to a registry's port.
    name, colon, tag = named.rpartition(":")
    if not colon or "/" in tag:
        name, tag = named, "latest"
    component = {"type": "container", "bom-ref": "base-image", "name": name, "version": tag}
    return component | ({"hashes": [_hash(digest)]} if digest else {})


def _debian_packages(plan: Plan, variant: VariantName) -> Iterator[dict[str, Any]]:
    """Yield a component for each Debian package that the manifest adds."""
    for package in plan.settings(variant).part(ImageSettings).apt:
        name, _, version = package.partition("=")
        yield {
            "type": "library",
            "bom-ref": f"debian/{name}",
            "name": name,
            **({"version": version} if version else {}),
            "purl": "pkg:deb/debian/" + "@".join(map(_encoded, filter(None, (name, version)))),
        }


def _python_packages(plan: Plan, variant: VariantName) -> Iterator[dict[str, Any]]:
    """Yield a component for each Python package that the image installs."""
    settings = plan.settings(variant)
    table = wheels.packages()
    for requirement in requirements(plan.manifest.type, settings):
        package = table[requirement]
        yield _python_package(requirement) | {
            **_licenses(package.license),
            "externalReferences": [
                {"type": "distribution", "url": file, "hashes": [_hash(digest)]}
                for file, digest in package.wheels.items()
            ],
        }
    for added in settings.part(ImageSettings).pip:
        if isinstance(added, HashedPackage):
            component = _python_package(added.package)
            page = f"https://pypi.org/project/{component['name']}/{component['version']}/"
            hashes = [_hash(it) for it in added.sha256]
            found = {"type": "distribution", "url": page, "hashes": hashes}
            yield component | {"externalReferences": [found]}
        else:
            yield _python_package(added)


def _python_package(requirement: str) -> dict[str, Any]:
    """Return the component of a requirement such as `name[extra]==1.2.3`."""
    given, _, version = requirement.partition("==")
    # purl-spec: names of PyPI's packages are lower case, with hyphens.
    name = re.sub(r"[-_.]+", "-", given.partition("[")[0]).lower()
    return {
        "type": "library",
        "bom-ref": f"python/{name}",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{_encoded(version)}",
    }


def _models(
    plan: Plan, variant: VariantName, digests: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Yield a component for each model file of the image, with the license in its metadata."""
    licenses = {
        version: model.signature.metadata.get("license", "")
        for model in plan.models
        for name in model.files
        for version in plan.versions(name)
    }
    loaded = plan.loaded(variant)
    for name in plan.written:
        yield {
            "type": "machine-learning-model",
            "bom-ref": f"model/{name}",
            "name": name,
            "description": f"Loaded by the {variant.upper()} variant"
            if name in loaded
            else f"In the image, but not loaded by the {variant.upper()} variant",
            "hashes": [_hash(digests[name])],
            **_licenses(licenses[name]),
        }


def _licenses(license_: str) -> dict[str, Any]:
    """Return the field `licenses`: an SPDX expression, or the name of another license."""
    if not license_:
        return {}
    if _EXPRESSION.fullmatch(license_):
        return {"licenses": [{"expression": license_}]}
    return {"licenses": [{"license": {"name": license_}}]}


def _hash(digest: str) -> dict[str, str]:
    """Return a SHA-256 as CycloneDX writes it."""
    return {"alg": "SHA-256", "content": digest}


def _encoded(text: str) -> str:
    """Return a part of a package URL with its special characters percent-encoded."""
    return re.sub(r"[^A-Za-z0-9.~_:-]", lambda it: f"%{ord(it[0]):02X}", text)
