import hashlib
import json
from pathlib import Path
from typing import Any

import onnx
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from builder.lint.examine import plan
from builder.manifest.variants import VARIANTS, VariantName
from builder.plan.content import read
from builder.targets.bundle import render
from tests.builder.conftest import WriteManifest

DIGEST = "0123456789abcdef" * 4


def sbom(manifest: Path, variant: VariantName = "cpu") -> dict[str, Any]:
    """The SBOM of a variant, after validation by CycloneDX's own library."""
    content = render(plan(manifest))[f"sbom-{variant}.cdx.json"]
    assert isinstance(content, bytes)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(content.decode()) is None
    data: dict[str, Any] = json.loads(content)
    return data


def component(data: dict[str, Any], reference: str) -> dict[str, Any]:
    """The component with a reference."""
    (found,) = (it for it in data["components"] if it["bom-ref"] == reference)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_python_packages_are_those_of_the_requirements(
    write_manifest: WriteManifest, variant: VariantName
) -> None:
    manifest = write_manifest()
    listed = render(plan(manifest))[f"nuclio/requirements-{variant}.txt"]
    assert isinstance(listed, bytes)
    packages = [it for it in sbom(manifest, variant)["components"] if "pypi" in it.get("purl", "")]
    assert [f"{it['name']}=={it['version']}" for it in packages] == [
        line.split()[0] for line in listed.decode().splitlines()
    ]
    for package, line in zip(packages, listed.decode().splitlines(), strict=True):
        digests = {it["hashes"][0]["content"] for it in package["externalReferences"]}
        assert digests == {it.removeprefix("--hash=sha256:") for it in line.split()[1:]}
        assert package["licenses"]
        found = PackageURL.from_string(package["purl"])
        assert (found.type, found.name, found.version) == (
            *("pypi", package["name"], package["version"]),
        )


def test_licenses_with_and_without_an_spdx_expression(write_manifest: WriteManifest) -> None:
    data = sbom(write_manifest(), "gpu")
    assert component(data, "python/onnxruntime-gpu")["licenses"] == [{"expression": "MIT"}]
    proprietary = component(data, "python/nvidia-curand-cu12")["licenses"]
    assert proprietary == [{"license": {"name": "NVIDIA Proprietary Software"}}]


def test_a_model_with_its_license(write_manifest: WriteManifest, tmp_path: Path) -> None:
    manifest = write_manifest()
    model = onnx.load(tmp_path / "model.onnx")
    model.metadata_props.add(key="license", value="AGPL-3.0 License (https://a.b/c)")
    onnx.save(model, tmp_path / "model.onnx")
    found = component(sbom(manifest), "model/model.onnx")
    written = read(render(plan(manifest))["nuclio/model.onnx"])
    digest = hashlib.sha256(written).hexdigest()
    assert found["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert found["licenses"] == [{"license": {"name": "AGPL-3.0 License (https://a.b/c)"}}]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_model_file_of_the_image(write_manifest: WriteManifest, variant: VariantName) -> None:
    manifest = write_manifest(variants={"gpu": {"precision": "fp16"}})
    tree = render(plan(manifest))
    data = sbom(manifest, variant)
    listed = {it["name"]: it for it in data["components"] if "model/" in it["bom-ref"]}
    assert listed.keys() == {"model.onnx", "model-gpu.onnx"}
    for name, it in listed.items():
        digest = hashlib.sha256(read(tree[f"nuclio/{name}"])).hexdigest()
        assert it["hashes"] == [{"alg": "SHA-256", "content": digest}]
    loaded = {"cpu": "model.onnx", "gpu": "model-gpu.onnx"}
    assert {name for name, it in listed.items() if it["description"].startswith("Loaded")} == {
        loaded[variant]
    }


@pytest.mark.parametrize(
    ("image", "name", "version"),
    [
        ("python:3.11-slim", "python", "3.11-slim"),
        ("registry.example.com:5000/python:3.11", "registry.example.com:5000/python", "3.11"),
        ("registry.example.com:5000/image", "registry.example.com:5000/image", "latest"),
    ],
)
def test_the_base_image(write_manifest: WriteManifest, image: str, name: str, version: str) -> None:
    found = component(sbom(write_manifest(variants={"cpu": {"base_image": image}})), "base-image")
    assert (found["name"], found["version"], "hashes" in found) == (name, version, False)
    fixed = {"cpu": {"base_image": f"{image}@sha256:{DIGEST}"}}
    found = component(sbom(write_manifest(variants=fixed)), "base-image")
    assert (found["name"], found["version"]) == (name, version)
    assert found["hashes"] == [{"alg": "SHA-256", "content": DIGEST}]


def test_packages_of_the_manifest(write_manifest: WriteManifest) -> None:
    cpu = {
        "apt": ["libgl1", "g++=4:12.2.0-3"],
        "pip": ["scikit_image==0.25.0", {"package": "a.b[c]==1.0+local", "sha256": [DIGEST]}],
    }
    data = sbom(write_manifest(variants={"cpu": cpu}))
    urls = [it["purl"] for it in data["components"] if "purl" in it]
    assert "pkg:pypi/scikit-image@0.25.0" in urls
    parsed = {it.name: it for it in map(PackageURL.from_string, urls)}
    assert parsed["a-b"].version == "1.0+local"
    assert (parsed["libgl1"].type, parsed["libgl1"].version) == ("deb", None)
    assert parsed["g++"].version == "4:12.2.0-3"
    (reference,) = component(data, "python/a-b")["externalReferences"]
    assert reference["hashes"] == [{"alg": "SHA-256", "content": DIGEST}]
