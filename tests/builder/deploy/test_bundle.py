import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from builder.deploy.bundle import Bundle, images, write_bundle
from builder.deploy.commands import Command, Result, Runner
from builder.deploy.function import BuiltFunction
from builder.deploy.local import Local
from builder.diagnostics.errors import DeployError, OutputError
from builder.lint.examine import plan
from builder.manifest.variants import VariantName
from tests.builder.conftest import WriteManifest
from tests.builder.run.test_builds import Silent

PROGRAM = """#!/usr/bin/env -S python3 -I -S
import json, os, pathlib, sys
name = pathlib.Path(sys.argv[0]).name
with open(os.environ["RECORD"], "a") as record:
    print(json.dumps([name, *sys.argv[1:]]), file=record)
if sys.argv[1] == "version" and name == "docker":
    print('{"Client": {"Version": "28.0.0"}, "Server": {"Version": "28.0.0", "Arch": "amd64"}}')
if sys.argv[1] == "version" and name == "nuctl":
    label = os.environ["NUCTL"]
    print(f'Client version:\\n"Label: {label}, Git commit: 1a2b3c, OS: linux, Arch: amd64"')
if sys.argv[1:3] == ["image", "inspect"]:
    sys.exit(sys.argv[-1] not in os.environ["IMAGES"].split())
if sys.argv[1:3] == ["network", "inspect"]:
    sys.exit(sys.argv[-1] != os.environ["NETWORK"])
if sys.argv[1:3] == ["get", "project"]:
    sys.exit(1)
"""
"""Stands for docker and nuctl, and writes down what it was called with."""


class Recorder(Runner):
    """Writes down commands instead of running them; Docker has some images."""

    def __init__(self, *present: str) -> None:
        super().__init__(lambda _: None)
        self.present = present
        self.commands: list[tuple[str, ...]] = []
        self.requirements = ""

    def read(self, command: Command) -> Result:
        self.commands.append(command.words)
        return Result(int(command.words[-1] not in self.present), "")

    def run(self, command: Command) -> Result:
        self.commands.append(command.words)
        if "download" in command.words and "-r" in command.words:
            listed = Path(command.words[command.words.index("-r") + 1])
            self.requirements = listed.read_text()
        if command.words[:2] == ("docker", "save"):
            Path(command.words[3]).touch()
        return Result(0, "")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with stand-ins for docker and nuctl, the first on the PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("docker", "nuctl"):
        (folder / name).write_text(PROGRAM)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setenv("RECORD", os.devnull)
    return folder


def make(manifest: Path, runner: Runner, variant: VariantName = "cpu") -> Bundle:
    """Write a bundle beside the manifest."""
    found = plan(manifest, (variant,))
    folder = manifest.parent / "bundle"
    return write_bundle(found, variant, folder, "1.16.3", runner, Silent(), smoke=False)


def test_the_images_that_nuctl_needs() -> None:
    assert images("python:3.11-slim", "1.16.3", "arm64") == (
        "python:3.11-slim",
        "quay.io/nuclio/handler-builder-python-onbuild:1.16.3-arm64",
        "quay.io/nuclio/uhttpc:0.0.1-arm64",
        "gcr.io/iguazio/alpine:3.20",
    )
    assert images("a", "1.13.0", "amd64")[-1] == "gcr.io/iguazio/alpine:3.17"


def test_the_files_of_a_bundle(write_manifest: WriteManifest, programs: Path) -> None:
    runner = Recorder("python:3.11-slim")
    made = make(write_manifest(), runner)
    assert made.saved == ("python:3.11-slim",)
    assert made.missing == images("python:3.11-slim", "1.16.3", "amd64")[1:]
    files = {str(it.relative_to(made.folder)) for it in made.folder.rglob("*") if it.is_file()}
    assert {
        "images/0.tar",
        "images.txt",
        "install.sh",
        "build.sh",
        "requirements.txt",
        "boxes/nuclio/function.yaml",
        "boxes/nuclio/model.onnx",
    } <= files
    assert not (made.folder.parent / ".bundle.partial").exists()
    # What pip downloads is what the image installs.
    assert runner.requirements == (made.folder / "boxes/nuclio/requirements-cpu.txt").read_text()


@pytest.mark.parametrize(("platform", "machine"), [("amd64", "x86_64"), ("arm64", "aarch64")])
def test_wheels_are_for_the_platform_of_the_function(
    write_manifest: WriteManifest, programs: Path, platform: str, machine: str
) -> None:
    runner = Recorder()
    make(write_manifest(platform=platform), runner)
    words = runner.commands[0]
    platforms = [words[i + 1] for i, word in enumerate(words) if word == "--platform"]
    assert all(it.endswith(machine) for it in platforms)
    # pip takes the first that fits.
    assert platforms.index(f"manylinux_2_28_{machine}") < platforms.index(
        f"manylinux2014_{machine}"
    )
    assert words[words.index("--python-version") + 1] == "3.11"
    assert "--require-hashes" in words


def test_sources_of_the_manifest_apply_to_the_download(
    write_manifest: WriteManifest, tmp_path: Path, programs: Path
) -> None:
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    sources = {
        "index": "https://pypi.example.com/simple",
        "ca_file": "ca.pem",
        "proxy": "http://proxy.example.com:3128",
    }
    runner = Recorder()
    make(write_manifest(variants={"cpu": {"sources": sources}}), runner)
    words = runner.commands[0]
    assert words[words.index("--index-url") + 1] == sources["index"]
    assert words[words.index("--cert") + 1] == str(tmp_path / "ca.pem")
    assert words[words.index("--proxy") + 1] == sources["proxy"]


def test_packages_without_digests_are_downloaded_and_installed_with_the_required_ones(
    write_manifest: WriteManifest, programs: Path
) -> None:
    runner = Recorder()
    made = make(write_manifest(variants={"cpu": {"pip": ["shapely==2.1.0"]}}), runner)
    assert runner.commands[1][-1] == "shapely==2.1.0"
    assert any(word.startswith("numpy==") for word in runner.commands[1])
    first, second = (made.folder / "install.sh").read_text().splitlines()[2:]
    assert "--require-hashes" in first
    assert second.endswith(" shapely==2.1.0")
    assert "--no-index" in first
    assert "--no-index" in second


def test_without_docker_all_images_are_missing(
    write_manifest: WriteManifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    made = make(write_manifest(), Recorder("python:3.11-slim"))
    assert made.saved == ()
    assert (made.folder / "images.txt").read_text().splitlines() == list(made.missing)


def test_nothing_is_left_if_pip_fails(write_manifest: WriteManifest, programs: Path) -> None:
    class Failing(Recorder):
        def run(self, command: Command) -> Result:
            return Result(1, "no")

    manifest = write_manifest()
    with pytest.raises(DeployError, match="pip could not download"):
        make(manifest, Failing())
    assert sorted(it.name for it in manifest.parent.iterdir() if "bundle" in it.name) == []


def test_a_directory_with_files_is_refused(write_manifest: WriteManifest) -> None:
    manifest = write_manifest()
    kept = manifest.parent / "bundle" / "mine.txt"
    kept.parent.mkdir()
    kept.touch()
    with pytest.raises(OutputError, match="has files"):
        make(manifest, Recorder())
    assert kept.exists()


def test_debian_packages_are_refused(write_manifest: WriteManifest) -> None:
    with pytest.raises(DeployError, match="Debian packages"):
        make(write_manifest(variants={"cpu": {"apt": ["libgl1"]}}), Recorder())


def run(
    script: Path,
    present: tuple[str, ...],
    *arguments: str,
    nuctl: str = "1.16.3",
    network: str = "",
) -> tuple[int, str, list[Any]]:
    """Run a bundle's script; return its status, its errors and the commands that it ran.

    Args:
        script: the script.
        present: the images that Docker has.
        arguments: the script's arguments.
        nuctl: nuctl's version.
        network: the only network that Docker has.
    """
    record = script.parent / "record"
    environment = {
        **os.environ,
        "RECORD": str(record),
        "IMAGES": " ".join(present),
        "NUCTL": nuctl,
        "NETWORK": network,
    }
    done = subprocess.run(
        ["sh", script, *arguments],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
    )
    commands = [json.loads(line) for line in record.read_text().splitlines()]
    return done.returncode, done.stderr, commands


@pytest.mark.slow
def test_the_script_installs_without_network_and_deploys(
    write_manifest: WriteManifest, programs: Path
) -> None:
    needed = images("python:3.11-slim", "1.16.3", "amd64")
    made = make(write_manifest(), Recorder("python:3.11-slim"))
    status, _, commands = run(made.script, needed, "--platform-config", '{"a": "b c"}')
    assert status == 0
    assert ["docker", "load", "--input", "images/0.tar"] in commands
    (started,) = [it for it in commands if it[:2] == ["docker", "run"]]
    assert started[started.index("--network") + 1] == "none"
    assert started[started.index("--volume") + 1] == f"{made.folder}:/bundle:ro"
    assert started[-3:] == ["python:3.11-slim", "sh", "/bundle/install.sh"]
    # `docker commit` keeps an entrypoint of the container, and the function would not start.
    assert "--entrypoint" not in started
    assert ["nuctl", "create", "project", "cvat", "--platform", "local"] in commands
    deployed = commands[-1]
    assert deployed[:2] == ["nuctl", "deploy"]
    # nuctl's option --base-image only fills in a missing name.
    config = yaml.safe_load((made.folder / "function.yaml").read_text("utf-8"))
    assert deployed[deployed.index("--file") + 1] == "function.yaml"
    code = made.folder / deployed[deployed.index("--path") + 1]
    original = yaml.safe_load((code / "function.yaml").read_text("utf-8"))
    assert config["spec"]["build"].pop("baseImage") == "cvat.boxes.packages:cpu"
    assert original["spec"]["build"].pop("baseImage") == "python:3.11-slim"
    assert config == original
    assert deployed[-2:] == ["--platform-config", '{"a": "b c"}']


def test_the_script_names_the_first_missing_image(
    write_manifest: WriteManifest, programs: Path
) -> None:
    made = make(write_manifest(), Recorder())
    status, errors, commands = run(made.script, ("python:3.11-slim",))
    assert status == 1
    assert "quay.io/nuclio/handler-builder-python-onbuild:1.16.3-amd64" in errors
    assert not [it for it in commands if it[:2] == ["docker", "run"]]


def option(command: list[str], name: str) -> Any:
    """Return the JSON value of an option's last occurrence, the one that nuctl uses."""
    last = len(command) - 1 - command[::-1].index(name)
    return json.loads(command[last + 1])


@pytest.mark.slow
def test_the_script_passes_the_port_and_the_network_of_deploy(
    write_manifest: WriteManifest, programs: Path
) -> None:
    needed = images("python:3.11-slim", "1.16.3", "amd64")
    made = make(write_manifest(), Recorder())
    status, _, commands = run(made.script, needed, network="cvat_cvat")
    assert status == 0
    built = made.folder / "boxes"
    expected = Local(BuiltFunction.read(built, "cpu"), "boxes").planned()[-2].words
    for name in ("--triggers", "--platform-config"):
        assert option(commands[-1], name) == option(list(expected), name)
    # Options of the user come last.
    own = '{"attributes": {"network": "other"}}'
    _, _, commands = run(made.script, needed, "--platform-config", own, network="cvat_cvat")
    assert option(commands[-1], "--platform-config") == json.loads(own)


def test_the_port_of_the_manifest_stays(write_manifest: WriteManifest, programs: Path) -> None:
    made = make(write_manifest(variants={"cpu": {"port": 25000}}), Recorder())
    assert "--triggers" not in made.script.read_text()
    assert "network inspect cvat_cvat" in made.script.read_text()


def test_the_script_refuses_another_nuctl(write_manifest: WriteManifest, programs: Path) -> None:
    made = make(write_manifest(), Recorder())
    for label, found in (("1.13.0", "1.13.0"), ("1.16.30", "1.16.30"), ("unstable", "unknown")):
        status, errors, commands = run(made.script, (), nuctl=label)
        assert status == 1
        assert f"for nuctl 1.16.3; found: {found}." in errors
        assert {tuple(it) for it in commands} == {("nuctl", "version")}


DIGEST = f"registry.example.com/python@sha256:{'ab' * 32}"


@pytest.mark.slow
def test_a_base_image_with_a_digest_is_saved_with_a_tag(
    write_manifest: WriteManifest, programs: Path
) -> None:
    runner = Recorder(DIGEST)
    made = make(write_manifest(variants={"cpu": {"base_image": DIGEST}}), runner)
    assert made.saved == (DIGEST,)
    tag = "cvat.boxes.base:cpu"
    docker = [it[1:] for it in runner.commands if it[0] == "docker" and it[2] != "inspect"]
    assert [it if it[0] != "save" else (it[0], it[-1]) for it in docker] == [
        ("tag", DIGEST, tag),
        ("save", tag),
        ("image", "rm", tag),
    ]
    # The other machine needs only the tag.
    status, _, commands = run(made.script, (tag, *images("", "1.16.3", "amd64")))
    assert status == 0
    (started,) = [it for it in commands if it[:2] == ["docker", "run"]]
    assert started[-3:] == [tag, "sh", "/bundle/install.sh"]
    status, errors, _ = run(made.script, (DIGEST,))
    assert status == 1
    assert f"docker tag {DIGEST} {tag}" in errors


def test_an_engine_that_does_not_run_is_an_error(
    write_manifest: WriteManifest, programs: Path
) -> None:
    (programs / "docker").write_text(
        "#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\n"
        """echo '{"Client": {"Version": "28.0.0"}, "Server": null}'; exit 1\n"""
    )
    manifest = write_manifest()
    with pytest.raises(DeployError, match="cannot connect to an engine"):
        make(manifest, Recorder())
    assert not (manifest.parent / "bundle").exists()


def test_an_image_that_docker_cannot_save_is_an_error(
    write_manifest: WriteManifest, programs: Path
) -> None:
    class Full(Recorder):
        def run(self, command: Command) -> Result:
            return Result(int("save" in command.words), "no space left on device")

    with pytest.raises(DeployError, match="could not save the image"):
        make(write_manifest(), Full("python:3.11-slim"))
