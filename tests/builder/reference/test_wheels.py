import io
import json
import re
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from builder.backends.wheels import TABLE
from builder.reference import wheels

METADATA = {
    "expression": "Metadata-Version: 2.4\nName: one\nLicense-Expression: MIT\n",
    "classifier": "Name: one\nClassifier: License :: OSI Approved :: BSD License\nLicense: long\n",
    "name": "Name: one\nLicense: Own License\n\nLicense-Expression: not a header\n",
    "text": "Name: one\nLicense: first line\n  second line\n",
}
"""Beginning of a package's name -> its METADATA."""


class Index(BaseHTTPRequestHandler):
    """A package index (PEP 691) whose files can be read in parts."""

    def do_GET(self) -> None:
        parts = self.path.strip("/").split("/")
        content = self._wheel(parts[1]) if parts[0] == "files" else self._page(parts[1])
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if wanted:
            content = content[int(wanted[1]) : int(wanted[2]) + 1]
        self.send_response(206 if wanted else 200)
        self.end_headers()
        self.wfile.write(content)

    def _page(self, name: str) -> bytes:
        host = f"http://{self.headers['Host']}"
        files = [
            {
                "filename": file,
                "url": f"{host}/files/{file}",
                "hashes": {"sha256": f"{number:064d}"},
                "size": len(self._wheel(file)),
                "yanked": number == 1,
            }
            for number, file in enumerate(
                (
                    f"{name}-1.0-cp311-cp311-manylinux_2_28_x86_64.whl",
                    f"{name}-1.0-cp311-cp311-manylinux_2_17_x86_64.whl",
                    f"{name}-1.0-cp311-cp311-macosx_11_0_arm64.whl",
                    f"{name}-1.0-cp312-cp312-manylinux_2_28_x86_64.whl",
                    f"{name}-1.0.1-cp311-cp311-manylinux_2_28_x86_64.whl",
                    f"{name}-1.0-2-py3-none-manylinux_2_28_aarch64.whl",
                )
            )
        ]
        return json.dumps({"files": [*files, {"filename": f"{name}-1.0.tar.gz"}]}).encode()

    def _wheel(self, file: str) -> bytes:
        name = file.split("-")[0]
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as wheel:
            wheel.writestr("big.bin", bytes(300_000))
            wheel.writestr(f"{name}-1.0.dist-info/METADATA", METADATA[name])
        return made.getvalue()

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    """The URL of a package index."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/simple"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("wheel", "fits"),
    [
        ("a-1-cp311-cp311-manylinux_2_28_x86_64.whl", True),
        ("a-1-cp37-abi3-manylinux2014_aarch64.whl", True),
        ("a-1-py3-none-any.whl", True),
        ("a-1-py2.py3-none-any.whl", True),
        ("a-1-cp311-abi3-linux_x86_64.whl", True),
        ("a-1-cp312-abi3-manylinux_2_28_x86_64.whl", False),
        ("a-1-cp312-cp312-manylinux_2_28_x86_64.whl", False),
        ("a-1-cp310-cp310-manylinux_2_28_x86_64.whl", False),
        ("a-1-cp311-cp311-musllinux_1_2_x86_64.whl", False),
        ("a-1-cp311-cp311-win_amd64.whl", False),
        ("a-1-cp311-cp311-manylinux_2_28_s390x.whl", False),
    ],
)
def test_wheels_that_images_install(wheel: str, fits: bool) -> None:
    assert wheels.fits_images(wheel) is fits


@pytest.mark.parametrize(
    ("name", "license_"),
    [("expression", "MIT"), ("classifier", "BSD-3-Clause"), ("name", "Own License"), ("text", "")],
)
def test_the_entry_of_a_package(index: str, name: str, license_: str) -> None:
    assert wheels.entry(f"{name}==1.0", index) == {
        "license": license_,
        "wheels": {
            f"{name}-1.0-2-py3-none-manylinux_2_28_aarch64.whl": f"{5:064d}",
            f"{name}-1.0-cp311-cp311-manylinux_2_28_x86_64.whl": f"{0:064d}",
        },
    }


def test_a_version_without_wheels_is_an_error(index: str) -> None:
    with pytest.raises(LookupError, match="no wheel of name==2"):
        wheels.entry("name==2.0", index)


def test_an_index_that_does_not_answer_leaves_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    before = TABLE.read_bytes()
    assert wheels.main(["http://127.0.0.1:1/simple"]) == 1
    assert "http://127.0.0.1:1/simple" in capsys.readouterr().err
    assert TABLE.read_bytes() == before
