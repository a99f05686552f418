import base64
import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from builder.backends.registry import requirements
from builder.lint.examine import plan
from builder.manifest.variants import VARIANTS, VariantName
from builder.targets.nuclio.image import Directives, directives, requirements_text
from tests.builder.conftest import WriteManifest

DIGEST = "0123456789abcdef" * 4

PROGRAM = """#!/usr/bin/env python3
import json, os, pathlib, sys
listed = pathlib.Path("/tmp/requirements.txt")
certificates = os.environ.get("PIP_CERT")
with open(os.environ["RECORD"], "a") as record:
    print(json.dumps({
        "command": [pathlib.Path(sys.argv[0]).name, *sys.argv[1:]],
        "environment": dict(os.environ),
        "requirements": listed.read_text() if listed.exists() else None,
        "certificates": certificates and pathlib.Path(certificates).read_text(),
    }), file=record)
"""
"""Stands for pip and apt-get, and writes down what it was called with."""


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Run the RUN lines of an image with sh, with stand-ins for pip and apt-get."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("pip", "apt-get"):
        (folder / name).write_text(PROGRAM)
        (folder / name).chmod(0o755)
    record = tmp_path / "record"

    def all_lines(found: Directives) -> list[dict[str, Any]]:
        # `rm` of Debian's package lists must not touch those of this machine.
        lines = [it.value for it in found.preCopy if it.kind == "RUN"]
        lines = [line.replace("/var/lib/apt/lists/", f"{tmp_path}/lists/") for line in lines]
        path = f"{folder}:{os.environ['PATH']}"
        for line in lines:
            # The Dockerfile joins lines before the shell sees them.
            command = line.replace("\\\n", "")
            environment = {"PATH": path, "RECORD": str(record)}
            subprocess.run(["/bin/sh", "-c", command], check=True, env=environment, timeout=60)
        return [json.loads(line) for line in record.read_text().splitlines()]

    return all_lines


@pytest.mark.parametrize("variant", VARIANTS)
def test_pip_gets_every_package_with_digests_and_looks_for_no_other(
    write_manifest: WriteManifest, run: Any, variant: VariantName
) -> None:
    found = plan(write_manifest())
    (call,) = run(directives(found, variant))
    assert call["command"] == [
        *("pip", "install", "--no-cache-dir", "--no-deps", "--require-hashes"),
        *("-r", "/tmp/requirements.txt"),
    ]
    assert call["requirements"] == requirements_text(found, variant)
    names = [line.split()[0] for line in call["requirements"].splitlines()]
    assert tuple(names) == requirements("detector", found.settings(variant))
    assert all(" --hash=sha256:" in line for line in call["requirements"].splitlines())
    assert not Path("/tmp/requirements.txt").exists()


def test_packages_of_the_manifest(write_manifest: WriteManifest, run: Any) -> None:
    hashed = {"package": "a-b[c]==1.0", "sha256": [DIGEST, DIGEST[::-1]]}
    cpu = {"apt": ["libgl1", "g++=4:12.2"], "pip": ["scipy==1.16.0", hashed]}
    found = plan(write_manifest(variants={"cpu": cpu}))
    update, apt, first, second = run(directives(found, "cpu"))
    assert update["command"] == ["apt-get", "update"]
    assert apt["command"] == [
        *("apt-get", "install", "-y", "--no-install-recommends", "libgl1", "g++=4:12.2"),
    ]
    line = f"a-b[c]==1.0 --hash=sha256:{DIGEST} --hash=sha256:{DIGEST[::-1]}\n"
    assert first["requirements"].endswith(line)
    # Packages without digests bring their dependencies, but replace none that a function needs.
    command = second["command"]
    assert command[:3] == ["pip", "install", "--no-cache-dir"]
    assert command[-1] == "scipy==1.16.0"
    assert [it for it in command if it.startswith("numpy==")]
    assert not [it for it in command if it.startswith("openvino")]
    assert second["requirements"] is None
    assert requirements_text(found, "cpu").endswith(f"{line}scipy==1.16.0\n")


def test_sources_of_packages_apply_to_the_image_build_alone(
    write_manifest: WriteManifest, tmp_path: Path, run: Any
) -> None:
    certificate = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n"
    (tmp_path / "ca.pem").write_text(certificate)
    sources = {
        "index": "https://pypi.example.com/simple",
        "extra_indexes": ["https://one.example.com", "https://two.example.com"],
        "ca_file": "ca.pem",
        "proxy": "http://proxy.example.com:3128",
        "no_proxy": "localhost,.example.com",
    }
    cpu = {"sources": sources, "apt": ["libgl1"], "pip": ["scipy==1.16.0"]}
    found = directives(plan(write_manifest(variants={"cpu": cpu})), "cpu")
    calls = run(found)
    for call in calls[-2:]:
        environment = call["environment"]
        assert environment["PIP_INDEX_URL"] == sources["index"]
        assert environment["PIP_EXTRA_INDEX_URL"] == " ".join(sources["extra_indexes"])
        assert environment["HTTPS_PROXY"] == environment["HTTP_PROXY"] == sources["proxy"]
        assert environment["NO_PROXY"] == sources["no_proxy"]
        assert call["certificates"] == certificate
    assert calls[0]["environment"]["http_proxy"] == sources["proxy"]
    assert not Path("/tmp/certificates.pem").exists()
    # ENV lines would stay in the image.
    assert [it.kind for it in found.preCopy] == ["USER", "RUN", "RUN", "RUN"]


@pytest.mark.parametrize("user", [1000, 1000660000, 0])
def test_the_user_changes_after_all_other_lines(write_manifest: WriteManifest, user: int) -> None:
    found = directives(plan(write_manifest(variants={"cpu": {"user": user}})), "cpu")
    assert (found.preCopy[0].kind, found.preCopy[0].value) == ("USER", "root")
    if user == 0:
        assert found.postCopy is None
    else:
        assert found.postCopy is not None
        assert (found.postCopy[-1].kind, found.postCopy[-1].value) == ("USER", f"{user}:{user}")


def test_unreadable_files_of_a_function_become_readable(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    found = directives(plan(write_manifest()), "cpu")
    assert found.postCopy is not None
    function = tmp_path / "function"
    (function / "inner").mkdir(parents=True)
    for name, mode in (("model.onnx", 0o600), ("main.py", 0o644), ("inner/a.py", 0o640)):
        (function / name).touch(mode)
        (function / name).chmod(mode)
    (function / "inner").chmod(0o700)
    line = found.postCopy[0].value.replace("/opt/nuclio", shlex.quote(str(function)))
    done = subprocess.run(
        ["/bin/sh", "-c", line], check=True, capture_output=True, text=True, timeout=60
    )
    modes = [oct(it.stat().st_mode & 0o777) for it in sorted(function.rglob("*"))]
    assert modes == ["0o755", "0o644", "0o644", "0o644"]
    # A file that is not changed is not copied into another layer of the image.
    assert "main.py" not in done.stdout


def test_certificates_are_one_argument_without_line_breaks(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    content = b"-----BEGIN CERTIFICATE-----\n" + b"A" * 60000
    (tmp_path / "ca.pem").write_bytes(content)
    found = directives(
        plan(write_manifest(variants={"cpu": {"sources": {"ca_file": "ca.pem"}}})), "cpu"
    )
    (line,) = [it.value for it in found.preCopy if it.kind == "RUN"]
    assert base64.b64encode(content).decode() in shlex.split(line.replace("\\\n", ""))
