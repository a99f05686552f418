import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, TypeAlias

import cv2
import numpy as np
import pytest
import yaml

from builder.diagnostics.collector import Diagnostics
from builder.diagnostics.errors import CvatbuildError, ManifestError
from builder.lint.examine import plan
from builder.manifest.reading import ManifestFile, read_manifest
from builder.plan.plan import Plan
from builder.run.process import FunctionProcess
from builder.targets.build import build
from runtimes.detector import Detector
from tests.builder.models import yolo_model

WriteManifest: TypeAlias = Callable[..., Path]
Serve: TypeAlias = Callable[..., int]
Run: TypeAlias = Callable[..., subprocess.CompletedProcess[str]]

MANIFEST: dict[str, Any] = {
    "name": "boxes",
    "type": "detector",
    "model": "model.onnx",
    "labels": "metadata",
    "preprocess": ["letterbox", {"normalize": 255}],
    "postprocess": ["yolo", "nms", "rectangle"],
}


def write_manifest_to(folder: Path, file: str = "boxes.yaml", **changes: Any) -> Path:
    """A working manifest with some keys changed; None takes a key out."""
    data = {key: value for key, value in {**MANIFEST, **changes}.items() if value is not None}
    path = folder / file
    path.write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")
    return path


def read_valid(file: Path) -> ManifestFile[Any]:
    """Read a manifest; raise all problems of its form."""
    diagnostics = Diagnostics()
    manifest_file = read_manifest(file, diagnostics)
    if diagnostics.problems or manifest_file is None:
        raise ManifestError(*diagnostics.problems)
    return manifest_file


def failure(action: Callable[[], object]) -> CvatbuildError:
    """The error that `action` must raise."""
    with pytest.raises(CvatbuildError) as caught:
        action()
    return caught.value


def detector_of(found: Plan) -> Detector:
    """The function of a plan that is a detector's."""
    assert isinstance(found.function, Detector)
    return found.function


def png(width: int = 128, height: int = 128, value: int = 0) -> bytes:
    """An encoded image of one color."""
    _, data = cv2.imencode(".png", np.full((height, width, 3), value, np.uint8))
    return data.tobytes()


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model that most tests use; copy it, do not change it."""
    return yolo_model(tmp_path_factory.mktemp("model") / "model.onnx")


@pytest.fixture
def write_manifest(tmp_path: Path, model_file: Path) -> WriteManifest:
    """Writes a manifest with its model into the test's own folder."""
    shutil.copy(model_file, tmp_path / "model.onnx")

    def write(file: str = "boxes.yaml", **changes: Any) -> Path:
        return write_manifest_to(tmp_path, file, **changes)

    return write


@pytest.fixture(scope="session")
def ready_plan(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> Plan:
    """The plan of the unchanged manifest."""
    folder = tmp_path_factory.mktemp("ready")
    shutil.copy(model_file, folder / "model.onnx")
    return plan(write_manifest_to(folder))


@pytest.fixture(scope="session")
def built_once(ready_plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built function; copy it, do not change it."""
    out = tmp_path_factory.mktemp("out")
    return build(ready_plan, out, force=False).folder


@pytest.fixture
def built(built_once: Path, tmp_path: Path) -> Path:
    """A built function of the test's own."""
    return Path(shutil.copytree(built_once, tmp_path / "built" / "boxes"))


@pytest.fixture(scope="session")
def cpu_function(built_once: Path) -> Iterator[FunctionProcess]:
    """The CPU variant of the built function, started."""
    with FunctionProcess(built_once, "cpu") as function:
        yield function


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs `cvatbuild` as a program, in the test's own folder."""

    def start(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "builder", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "200", **environment},
            timeout=60,
            check=False,
        )

    return start


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Answer HTTP requests as a container does: health checks, and a fixed reply to the others.

    The returned function takes the reply and its status, and returns the port.
    """
    servers = []

    def start(reply: Any = (), status: int = 200) -> int:
        body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(200, b"{}")

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(status, body)

            def _answer(self, code: int, content: bytes) -> None:
                self.send_response(code)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server.server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
