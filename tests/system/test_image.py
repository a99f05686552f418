"""Images of functions, built with the directives of function.yaml, without Nuclio's programs.

The Dockerfile has the order of Nuclio's: see pkg/processor/build/builder.go in Nuclio's source.
Nuclio's processor is missing; PROGRAM calls the function as Nuclio's Python wrapper does.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from pip._vendor import certifi

from builder.run.process import FunctionProcess
from tests.paths import MANIFESTS
from tests.system.engine import Engine, base_image
from tests.system.test_processor import example_request
from tests.test_standalone import PROGRAM

pytestmark = pytest.mark.system

SDK = "nuclio-sdk==0.6.3"

# Limits of a small container, without rights and without a writable file system.
CONFINED = (
    *("--network", "none", "--memory", "512m", "--cpus", "1"),
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--read-only", "--tmpfs", "/tmp"),
)

# Records the arguments of `nuctl deploy` and the network of the image build, one a line.
NUCTL = """#!/bin/sh
case "$1" in
  version) echo "Client version: Label: 1.16.3, Git commit: 1a2b3c, OS: linux, Arch: amd64" ;;
  deploy) printf '%s\\n' "$NUCLIO_DOCKER_BUILD_NETWORK" "$@" > "$0.txt" ;;
esac
"""

RUNTIMES = {"openvino": "", "onnxruntime": "variants: {cpu: {runtime: onnxruntime}}\n"}
"""Lines of a manifest for each runtime of the CPU."""


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of Nuclio's SDK, which Nuclio takes from its own image."""
    folder = tmp_path_factory.mktemp("sdk")
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder)
    subprocess.run([*pip, SDK], check=True)
    return folder


@pytest.fixture(scope="module")
def clean(engine: Engine) -> Iterator[Engine]:
    """The engine with the base image. Images that tests add are removed, since images stay."""
    base_image(engine)
    listing = ("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "--filter", "dangling=false")
    before = engine.docker(*listing).stdout.split()
    yield engine
    added = set(engine.docker(*listing).stdout.split()).difference(before)
    engine.docker("image", "rm", "--force", *added)
    engine.docker("image", "prune", "--force")


@pytest.fixture(scope="module")
def bundle(
    request: pytest.FixtureRequest, clean: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A bundle of the example detector with a runtime, and the engine has all its images."""
    image = base_image(clean)
    folder = tmp_path_factory.mktemp("bundle")
    text = (MANIFESTS / "yolo.yaml").read_text("utf-8").replace("models/", f"{MANIFESTS}/models/")
    manifest = folder / "yolo.yaml"
    manifest.write_text(text + RUNTIMES[request.param], "utf-8")
    out = folder / "bundle"
    subprocess.run(
        [sys.executable, "-m", "builder", "bundle", manifest, "--out", out],
        env=clean.environment(),
        check=True,
    )
    names = (out / "images.txt").read_text("utf-8").splitlines()
    assert names[0] == image
    for name in names[1:]:
        clean.docker("tag", image, name)
    return out


def _build(
    engine: Engine,
    code: Path,
    sdk: Path,
    tag: str,
    *,
    config: Path | None = None,
    network: str = "host",
) -> tuple[int, str]:
    """Build the image of a function as Nuclio does; return the status and the output.

    Args:
        engine: the engine.
        code: the function's folder.
        sdk: the folder with the SDK's wheel.
        tag: the image's name.
        config: replaces function.yaml.
        network: the network of the build.
    """
    text = (config or code / "function.yaml").read_text("utf-8")
    build = yaml.safe_load(text)["spec"]["build"]
    before, after = (
        [f"{it['kind']} {it['value']}" for it in build["directives"].get(key, ())]
        for key in ("preCopy", "postCopy")
    )
    wheels = "/opt/nuclio/whl"
    lines = [
        f"FROM {build['baseImage']}",
        *before,
        f"COPY sdk {wheels}",
        "COPY handler /opt/nuclio",
        f"RUN python -m pip install {SDK} --no-index --find-links {wheels}",
        *after,
        'CMD ["processor"]',
    ]
    context = code.parent / f"context-{tag.replace(':', '-')}"
    shutil.copytree(code, context / "handler")
    shutil.copytree(sdk, context / "sdk")
    (context / "Dockerfile").write_text("\n".join(lines), "utf-8")
    options = ("--no-cache", "--force-rm", "--network", network, "--tag", tag)
    done = engine.docker("build", *options, context, check=False)
    return done.returncode, done.stdout + done.stderr


def _reply(engine: Engine, image: str, code: Path, request: object, folder: Path) -> list[Any]:
    """Answer a request in a confined container; return the reply's status and body."""
    program, body = folder / "program.py", folder / "request.json"
    program.write_text(PROGRAM, "utf-8")
    body.write_text(json.dumps(request), "utf-8")
    config = yaml.safe_load((code / "function.yaml").read_text("utf-8"))
    options: list[str] = []
    for path in (program, body):
        options += ["--volume", f"{path}:/given/{path.name}:ro"]
    for variable in config["spec"]["env"]:
        options += ["--env", f"{variable['name']}={variable['value']}"]
    command = ("/given/program.py", "/opt/nuclio", "/given/request.json", "cpu")
    done = engine.docker(
        *("run", "--rm", *CONFINED, *options, image, "python", "-I", *command), check=False
    )
    assert done.returncode == 0, done.stderr
    reply = json.loads(done.stdout)
    assert isinstance(reply, list)
    return reply


def _expected(folder: Path, request: object) -> list[Any]:
    """The status and body of the reply of the same function in a process of this machine."""
    with closing(FunctionProcess(folder, "cpu")) as function:
        reply = function.send(request, "application/json")
    return [reply.status, reply.text]


def _packages(engine: Engine, image: str) -> dict[str, str]:
    """The Python packages of an image: name -> version."""
    listing = ("python", "-m", "pip", "list", "--format", "json", "--disable-pip-version-check")
    found = json.loads(engine.docker("run", "--rm", "--network", "none", image, *listing).stdout)
    return {it["name"].lower().replace("_", "-"): it["version"] for it in found}


def _listed(built: Path) -> dict[str, str]:
    """The Python packages of a function's SBOM: name -> version."""
    components = json.loads((built / "sbom-cpu.cdx.json").read_text("utf-8"))["components"]
    return {
        it["name"]: it["version"] for it in components if it.get("purl", "").startswith("pkg:pypi/")
    }


def _variables(engine: Engine, image: str) -> list[str]:
    """The environment variables of an image, as NAME=VALUE."""
    (found,) = json.loads(engine.docker("image", "inspect", image).stdout)
    variables = found["Config"]["Env"]
    assert isinstance(variables, list)
    return variables


def _files_with(engine: Engine, image: str, *texts: str) -> list[str]:
    """The files of an image that contain a text, and all files in its temporary folders."""
    search = 'find /tmp /var/tmp /root -type f; grep -rsFl "$@" /etc /home /opt /usr /var; :'
    run = ("run", "--rm", "--network", "none", "--user", "root", image)
    patterns = [word for text in texts for word in ("-e", text)]
    return sorted(engine.docker(*run, "sh", "-c", search, "sh", *patterns).stdout.split())


class _Proxy(SimpleHTTPRequestHandler):
    """An HTTP proxy that answers all requests from a folder."""

    def translate_path(self, path: str) -> str:
        """Return the path of the file for a URL."""
        return super().translate_path(urlsplit(path).path)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


@contextmanager
def _proxy(wheels: Path, folder: Path) -> Iterator[str]:
    """Serve a package index with some wheels behind a proxy; yield the proxy's URL.

    Format: packaging.python.org/en/latest/specifications/simple-repository-api.
    """
    for wheel in wheels.iterdir():
        project = re.sub(r"[-_.]+", "-", wheel.name.partition("-")[0]).lower()
        page = folder / "simple" / project
        page.mkdir(parents=True)
        shutil.copy(wheel, page)
        (page / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>', "utf-8")

    def handler(*given: Any) -> _Proxy:
        return _Proxy(*given, directory=str(folder))

    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _with_sources(proxy: str, ca_file: Path) -> str:
    """Lines of a manifest: an index that only the proxy can reach, and a certificate."""
    # Nothing listens at port 9 of this machine. pip trusts its own machine without TLS.
    sources = {"index": "http://127.0.0.1:9/simple", "proxy": proxy, "ca_file": str(ca_file)}
    return yaml.safe_dump({"variants": {"cpu": {"sources": sources}}})


@pytest.fixture(scope="module")
def ca_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PEM file with a certificate."""
    text = Path(certifi.where()).read_text("utf-8")
    begin, end = "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n"
    first = text.split(begin)[1].partition(end)[0]
    file = tmp_path_factory.mktemp("certificates") / "corporate.pem"
    file.write_text(begin + first + end, "utf-8")
    return file


@pytest.mark.parametrize("bundle", ["openvino"], indirect=True)
def test_an_image_built_through_a_proxy_keeps_no_trace_of_it(
    bundle: Path,
    example: Callable[..., Path],
    engine: Engine,
    sdk: Path,
    ca_file: Path,
    tmp_path: Path,
) -> None:
    with _proxy(bundle / "wheels", tmp_path / "index") as proxy:
        built = example("yolo", _with_sources(proxy, ca_file))
        code = built / "nuclio"
        # Files as a strict umask leaves them.
        for path in (code, *code.rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)
        status, output = _build(engine, code, sdk, "cvat.proxy")
    assert status == 0, output

    base = base_image(engine)
    config = yaml.safe_load((code / "function.yaml").read_text("utf-8"))
    directives = config["spec"]["build"]["directives"]["preCopy"]
    own = {it["value"] for it in directives if it["kind"] == "ENV"}
    assert not [it for it in own if re.match("(?i)pip_|.*proxy", it)]
    # A Docker build adds PATH if the base image has none.
    variables, inherited = (
        {it for it in _variables(engine, name) if not it.startswith("PATH=")}
        for name in ("cvat.proxy", base)
    )
    assert variables == inherited | own
    run = ("run", "--rm", *CONFINED, "cvat.proxy")
    assert engine.docker(*run, "id", "-u").stdout == "1000\n"
    certificate = ca_file.read_text("utf-8").splitlines()[1]
    traces = ("127.0.0.1:9/simple", proxy, certificate)
    found = _files_with(engine, "cvat.proxy", *traces)
    # function.yaml has the settings of the build, and is in the image as all files of the function.
    assert "/opt/nuclio/function.yaml" in found
    others = [it for it in found if not it.startswith("/opt/nuclio/function")]
    assert others == _files_with(engine, base, *traces)

    assert _packages(engine, "cvat.proxy") == {
        **_packages(engine, base),
        **_listed(built),
        **dict([SDK.split("==")]),
    }
    request = example_request("yolo")
    assert _reply(engine, "cvat.proxy", code, request, tmp_path) == _expected(built, request)


@pytest.mark.parametrize("bundle", ["openvino"], indirect=True)
def test_a_wheel_with_one_other_byte_fails_the_build(
    bundle: Path,
    example: Callable[..., Path],
    engine: Engine,
    sdk: Path,
    ca_file: Path,
    tmp_path: Path,
) -> None:
    altered = tmp_path / "wheels"
    shutil.copytree(bundle / "wheels", altered)
    (wheel,) = altered.glob("orjson-*.whl")
    content = bytearray(wheel.read_bytes())
    content[len(content) // 2] ^= 1
    wheel.write_bytes(content)
    with _proxy(altered, tmp_path / "index") as proxy:
        code = example("yolo", _with_sources(proxy, ca_file)) / "nuclio"
        status, output = _build(engine, code, sdk, "cvat.altered")
    assert status != 0
    _, message, packages = output.partition("THESE PACKAGES DO NOT MATCH THE HASHES")
    assert message
    assert "orjson==" in packages


@pytest.mark.parametrize("bundle", RUNTIMES, indirect=True)
def test_a_bundle_becomes_an_image_without_network_access(
    bundle: Path, engine: Engine, sdk: Path, tmp_path: Path
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    nuctl = programs / "nuctl"
    nuctl.write_text(NUCTL, "utf-8")
    nuctl.chmod(0o755)
    environment = engine.environment()
    done = subprocess.run(
        [bundle / "build.sh"],
        env={**environment, "PATH": f"{programs}:{environment['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Loaded image: {base_image(engine)}" in done.stdout
    network, *arguments = Path(f"{nuctl}.txt").read_text("utf-8").splitlines()
    assert network == "none"
    code = bundle / arguments[arguments.index("--path") + 1]
    config = bundle / arguments[arguments.index("--file") + 1]
    status, output = _build(engine, code, sdk, "cvat.offline", config=config, network=network)
    assert status == 0, output
    request = example_request("yolo")
    expected = _expected(code.parent, request)
    assert _reply(engine, "cvat.offline", code, request, tmp_path) == expected
