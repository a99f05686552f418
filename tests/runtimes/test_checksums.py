import hashlib
from pathlib import Path

import pytest

from runtimes.checksums import verify
from runtimes.errors import BadStart

# The test vector of FIPS 180-2, appendix B.1.
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_files_with_their_checksums_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"abc")
    verify(tmp_path, {"model.onnx": ABC})
    verify(tmp_path, {})


@pytest.mark.parametrize("data", [b"abd", b"ab", b"abc\n", b""])
def test_any_other_content_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "encoder.onnx").write_bytes(b"abc")
    (tmp_path / "decoder.onnx").write_bytes(data)
    with pytest.raises(BadStart) as caught:
        verify(tmp_path, {"encoder.onnx": ABC, "decoder.onnx": ABC})
    error = caught.value
    assert "decoder.onnx" in error.what
    assert error.found == f"{len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}"
    assert error.allowed == f"SHA-256 {ABC}"


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").mkdir()
    for name in ("model.onnx", "model.bin"):
        with pytest.raises(BadStart, match=f"the model file {name} cannot be read"):
            verify(tmp_path, {name: ABC})
