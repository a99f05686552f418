import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from builder.diagnostics.errors import ModelError
from builder.diagnostics.files import sha256
from builder.lint.examine import plan
from builder.model.download import cache_folder, fetch
from tests.builder.conftest import WriteManifest, failure

CONTENT = b"0123456789" * 300_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class _Server(ThreadingHTTPServer):
    # Closing waits for every answer, so that no socket outlives its test.
    daemon_threads = False


class Server:
    """A real server on this machine that counts what it is asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"/model.onnx": CONTENT}
        self.requests: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append(self.path)
                if self.path == "/moved.onnx":
                    self.send_response(302)
                    self.send_header("Location", "/model.onnx")
                    self.end_headers()
                elif self.path == "/local.onnx":
                    self.send_response(302)
                    self.send_header("Location", "file:///etc/passwd")
                    self.end_headers()
                elif self.path == "/garbage.onnx":
                    self.wfile.write(b"this is not HTTP\r\n\r\n")
                elif self.path == "/half.onnx":
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(CONTENT)))
                    self.end_headers()
                    self.wfile.write(CONTENT[:1000])
                elif self.path in outer.files:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(outer.files[self.path])))
                    self.end_headers()
                    self.wfile.write(outer.files[self.path])
                else:
                    self.send_error(404)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.close()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("CVATBUILD_CACHE", str(folder))
    # A proxy of the machine's has no business with 127.0.0.1.
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return folder


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_downloaded_file_keeps_its_name_in_the_cache(server: Server, cache: Path) -> None:
    path = fetch(f"{server.base}/model.onnx", DIGEST)
    assert path.read_bytes() == CONTENT
    assert path.name == "model.onnx"
    assert files(cache) == [path]


def test_progress_ends_with_all_bytes(server: Server) -> None:
    reported: list[tuple[int, int | None]] = []
    fetch(f"{server.base}/model.onnx", DIGEST, lambda done, total: reported.append((done, total)))
    assert reported[-1] == (3_000_000, 3_000_000)
    assert reported == sorted(reported)


def test_a_cached_file_is_not_downloaded_again(server: Server) -> None:
    url = f"{server.base}/model.onnx"
    first = fetch(url, DIGEST)
    assert fetch(url, DIGEST) == first
    assert server.requests == ["/model.onnx"]


def test_the_file_name_excludes_the_query(server: Server) -> None:
    server.files["/model.onnx?download=true"] = CONTENT
    assert fetch(f"{server.base}/model.onnx?download=true", DIGEST).name == "model.onnx"


def test_a_redirect_is_followed(server: Server) -> None:
    assert fetch(f"{server.base}/moved.onnx", DIGEST).read_bytes() == CONTENT
    assert server.requests == ["/moved.onnx", "/model.onnx"]


def test_a_wrong_digest_leaves_nothing_behind(server: Server, cache: Path) -> None:
    (problem,) = failure(lambda: fetch(f"{server.base}/model.onnx", "0" * 64)).problems
    assert problem.place == "sha256"
    assert problem.found == DIGEST
    assert problem.allowed == "0" * 64
    assert files(cache) == []


def test_a_file_with_a_wrong_digest_is_downloaded_again(server: Server) -> None:
    server.files["/model.onnx"] = b"other"
    failure(lambda: fetch(f"{server.base}/model.onnx", DIGEST))
    server.files["/model.onnx"] = CONTENT
    assert fetch(f"{server.base}/model.onnx", DIGEST).read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["absent.onnx", "half.onnx", "garbage.onnx", "local.onnx"])
def test_a_failed_download_is_an_error_and_leaves_nothing_behind(
    server: Server, cache: Path, name: str
) -> None:
    assert isinstance(failure(lambda: fetch(f"{server.base}/{name}", DIGEST)), ModelError)
    assert files(cache) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/m.onnx",
        "http://127.0.0.1:port/m.onnx",
        "http://127.0.0.1:99999/m.onnx",
        "http://[::1/m.onnx",
        "http:///m.onnx",
        "http://127.0.0.1:9/%00.onnx",
        "http://127.0.0.1:9/" + "x" * 300 + ".onnx",
        "http://127.0.0.1:9/ä.onnx",
        "http://127.0.0.1:9/%2e%2e",
    ],
    ids=lambda url: url[:32],
)
def test_urls_without_a_server(url: str, cache: Path) -> None:
    assert isinstance(failure(lambda: fetch(url, DIGEST)), ModelError)
    assert files(cache) == []


@pytest.mark.parametrize("name", ["..%2f..%2f..%2fevil.onnx", "%2e%2e%2fevil.onnx"])
def test_a_name_cannot_lead_out_of_the_cache(server: Server, cache: Path, name: str) -> None:
    server.files[f"/{name}"] = CONTENT
    path = fetch(f"{server.base}/{name}", DIGEST)
    assert path == cache / DIGEST / "evil.onnx"


def test_a_cache_that_cannot_be_written_is_an_error(server: Server, cache: Path) -> None:
    cache.write_text("a file in the way")
    assert isinstance(failure(lambda: fetch(f"{server.base}/model.onnx", DIGEST)), ModelError)


def test_a_manifest_can_name_a_download(
    server: Server, write_manifest: WriteManifest, model_file: Path
) -> None:
    server.files["/boxes.onnx"] = model_file.read_bytes()
    digest = hashlib.sha256(model_file.read_bytes()).hexdigest()
    model = {"url": f"{server.base}/boxes.onnx", "sha256": digest}
    assert plan(write_manifest(model=model)).models[0].digest == digest


def test_a_failed_download_is_reported_at_its_line(
    server: Server, write_manifest: WriteManifest
) -> None:
    manifest = write_manifest(model={"url": f"{server.base}/no.onnx", "sha256": "0" * 64})
    (problem,) = failure(lambda: plan(manifest)).problems
    assert (problem.file, problem.line, problem.place) == (manifest, 4, "model.url")
    assert "Not Found" in problem.what


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"CVATBUILD_CACHE": "/a"}, "/a"),
        ({"CVATBUILD_CACHE": "", "XDG_CACHE_HOME": "/b"}, "/b/cvatbuild"),
        ({"CVATBUILD_CACHE": "", "HOME": "/c"}, "/c/.cache/cvatbuild"),
    ],
)
def test_the_cache_folder(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], folder: str
) -> None:
    for name in ("CVATBUILD_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(folder)


def test_the_digest_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1.
    assert sha256(tmp_path / "x") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


@pytest.mark.parametrize("host", ["example.org", "models.example.com:8080", "some.example"])
def test_a_placeholder_is_not_downloaded(host: str) -> None:
    with pytest.raises(ModelError, match="is a placeholder"):
        fetch(f"https://{host}/m.onnx", DIGEST)
