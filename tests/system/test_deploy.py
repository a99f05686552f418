"""A function's image, built and deployed by nuctl, without a registry.

The images that nuctl takes files from are made of a release's folder; see CONTRIBUTING.md.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from builder.run.process import FunctionProcess
from tests.paths import MANIFESTS
from tests.system.engine import Engine, base_image
from tests.system.processor import Release
from tests.system.test_processor import example_request

pytestmark = pytest.mark.system

CONTAINER = "nuclio-nuclio-yolo"

# In a function's image, Nuclio's health check runs this program with `--url URL`.
HEALTH_CHECK = """#!/usr/bin/env python3
import sys, urllib.request
urllib.request.urlopen(sys.argv[2])
"""

# Posts standard input to the function; run inside its container, which has no network.
CLIENT = """
import sys, urllib.request
request = urllib.request.Request("http://127.0.0.1:8080/", sys.stdin.buffer.read())
request.add_header("Content-Type", "application/json")
print(urllib.request.urlopen(request).read().decode())
"""


def _image(engine: Engine, name: str, folder: Path) -> None:
    """Make an image of a folder's files, which it has in /home/nuclio/bin."""
    context = folder / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nCOPY bin /home/nuclio/bin\n")
    shutil.copytree(folder / "bin", context / "bin")
    engine.docker("build", "--tag", name, context)


@pytest.fixture(scope="module")
def nuclio_images(
    release: Release, engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The images that nuctl needs."""
    wheels = release.folder / "py3.11-whl"
    if not release.nuctl.is_file() or not wheels.is_dir():
        pytest.skip(f"{release.folder} has no nuctl or no py3.11-whl")
    folder = tmp_path_factory.mktemp("images")
    for name in ("processor", "health"):
        (folder / name / "bin").mkdir(parents=True)
    files = folder / "processor"
    shutil.copy(release.processor, files / "bin")
    shutil.copytree(release.wrapper.parent, files / "bin" / "py")
    shutil.copytree(wheels, files / "bin" / wheels.name)
    onbuild = f"quay.io/nuclio/handler-builder-python-onbuild:{release.version}-amd64"
    _image(engine, onbuild, files)
    program = folder / "health" / "bin" / "uhttpc"
    program.write_text(HEALTH_CHECK)
    program.chmod(0o755)
    _image(engine, "quay.io/nuclio/uhttpc:0.0.1-amd64", folder / "health")
    # nuctl keeps its records in a volume, which a container of an image with a shell reads. The
    # image depends on the release.
    done = _nuctl(release, engine, "get", "project")
    absent = re.search(r"Unable to find image '([^']+)' locally", done.stdout)
    if done.returncode and absent:
        engine.docker("tag", base_image(engine), absent[1])


def _nuctl(
    release: Release, engine: Engine, *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    """Run nuctl with the engine."""
    return subprocess.run(
        [release.nuctl, *arguments, "--platform", "local"],
        env=engine.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.fixture(scope="module")
def built(example: Callable[..., Path]) -> Path:
    """The example detector with the limits of a small container."""
    return example("yolo", 'resources: {cpu: "1", memory: 512Mi}\n')


@pytest.fixture(scope="module")
def deployed(
    nuclio_images: None, release: Release, engine: Engine, built: Path
) -> Iterator[dict[str, Any]]:
    """The example detector in its container: what `docker inspect` tells."""
    _nuctl(release, engine, "create", "project", "cvat")
    platform = json.dumps({"attributes": {"network": "none"}})
    settings = ("--project-name", "cvat", "--no-pull", "--platform-config", platform)
    done = _nuctl(release, engine, "deploy", "--path", built / "nuclio", *settings)
    assert done.returncode == 0, done.stdout
    (container,) = json.loads(engine.docker("inspect", CONTAINER).stdout)
    yield container
    _nuctl(release, engine, "delete", "function", "yolo")


def _ask(engine: Engine, container: str, request: object) -> str:
    """Post a request inside a container; return the reply's body."""
    done = engine.docker(
        *("exec", "--interactive", container, "python3", "-c", CLIENT), given=json.dumps(request)
    )
    return done.stdout.strip()


def test_a_deployed_function_replies_as_in_a_process(
    deployed: dict[str, Any], engine: Engine, built: Path
) -> None:
    request = example_request("yolo")
    with closing(FunctionProcess(built, "cpu")) as function:
        expected = function.send(request, "application/json").text
    assert deployed["State"]["Health"]["Status"] == "healthy"
    assert _ask(engine, CONTAINER, request) == expected


def test_the_container_has_the_settings_of_function_yaml(deployed: dict[str, Any]) -> None:
    assert deployed["Config"]["User"] == "1000:1000"
    assert "CVATBUILD_VARIANT=cpu" in deployed["Config"]["Env"]
    host = deployed["HostConfig"]
    assert host["RestartPolicy"]["Name"] == "always"
    assert host["NanoCpus"] == 10**9
    assert host["Memory"] == 512 * 2**20


def test_the_image_runs_without_rights_and_on_a_read_only_file_system(
    deployed: dict[str, Any], engine: Engine
) -> None:
    limits = ("--memory", "512m", "--cpus", "1", "--network", "none")
    rights = ("--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    writable = ("--read-only", "--tmpfs", "/tmp", "--volumes-from", f"{CONTAINER}:ro")
    environment = ("--env", "CVATBUILD_VARIANT=cpu")
    image = deployed["Config"]["Image"]
    options = (*limits, *rights, *writable, *environment)
    container = engine.docker("run", "--detach", *options, image).stdout.strip()
    health = ("inspect", "--format", "{{.State.Health.Status}}", container)
    for _ in range(600):
        if engine.docker(*health).stdout.strip() == "healthy":
            break
        Event().wait(0.2)
    else:
        pytest.fail(engine.docker("logs", container).stdout)
    expected = _ask(engine, CONTAINER, example_request("yolo"))
    assert _ask(engine, container, example_request("yolo")) == expected
    engine.docker("rm", "--force", container)


def test_a_bundle_is_built_and_deployed_without_network(
    nuclio_images: None, release: Release, engine: Engine, tmp_path: Path
) -> None:
    text = (MANIFESTS / "yolo.yaml").read_text("utf-8").replace("models/", f"{MANIFESTS}/models/")
    manifest = tmp_path / "bundled.yaml"
    manifest.write_text(text.replace("name: yolo", "name: bundled"), "utf-8")
    folder = tmp_path / "bundle"
    environment = engine.environment()
    command = (sys.executable, "-m", "builder", "bundle", manifest, "--nuctl", release.version)
    subprocess.run([*command, "--out", folder], env=environment, check=True)
    platform = json.dumps({"attributes": {"network": "none"}})
    done = subprocess.run(
        [folder / "build.sh", "--platform-config", platform],
        env={**environment, "PATH": f"{release.folder}:{environment['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    # Docker's cache would hide an image that is built on another one.
    packages, image = (
        json.loads(engine.docker("image", "inspect", name).stdout)[0]["RootFS"]["Layers"]
        for name in ("cvat.bundled.packages:cpu", "cvat.bundled")
    )
    assert image[: len(packages)] == packages
    request = example_request("yolo")
    with closing(FunctionProcess(folder / "bundled", "cpu")) as function:
        expected = function.send(request, "application/json").text
    assert _ask(engine, "nuclio-nuclio-bundled", request) == expected
    _nuctl(release, engine, "delete", "function", "bundled")
    engine.docker("image", "rm", "--force", "cvat.bundled", "cvat.bundled.packages:cpu")


def test_an_altered_wheel_is_not_installed(
    nuclio_images: None, release: Release, engine: Engine, built: Path, tmp_path: Path
) -> None:
    """A wheel with other bytes has another digest, as here a wheel whose digests are others."""
    code = tmp_path / "code"
    shutil.copytree(built / "nuclio", code)
    config = code / "function.yaml"
    text = config.read_text("utf-8")
    (line,) = [it for it in text.splitlines() if "orjson==" in it]
    config.write_text(text.replace(line, re.sub("sha256:....", "sha256:0000", line)), "utf-8")
    image = ("--image", "cvat.altered", "--no-pull")
    done = _nuctl(release, engine, "build", "altered", "--path", code, *image)
    assert done.returncode != 0
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stdout
