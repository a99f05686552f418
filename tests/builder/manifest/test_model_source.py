import pytest

from tests.builder.manifest.conftest import Refused


@pytest.mark.parametrize("digest", ["", "a" * 63, "A" * 64, "g" * 64])
def test_a_download_needs_a_digest(refused: Refused, digest: str) -> None:
    assert refused(model={"url": "https://a/m.onnx", "sha256": digest}).place == "model.sha256"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/m.onnx",
        "file:///etc/passwd",
        "a/m.onnx",
        "https://a/m n.onnx",
        "https://",
        "HTTP://\n",
    ],
)
def test_a_download_url_is_http_or_https(refused: Refused, url: str) -> None:
    assert refused(model={"url": url, "sha256": "0" * 64}).place == "model.url"
