"""URLs where a path is expected."""

from pathlib import Path

import pytest

from builder.diagnostics.errors import ModelError
from builder.model.file import locate
from builder.model.url import is_url, restored


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://example.org/a.onnx", "https://example.org/a.onnx"),
        ("https:/example.org/a.onnx", "https://example.org/a.onnx"),
        ("HTTP://example.org/best.pt", "http://example.org/best.pt"),
        ("s3://bucket/a.onnx", "s3://bucket/a.onnx"),
    ],
)
def test_urls_are_recognized_also_after_their_slashes_were_joined(text: str, url: str) -> None:
    assert is_url(text)
    assert restored(text) == url


@pytest.mark.parametrize("text", ["a.onnx", "C:/m/a.onnx", "http/a.onnx", "https:", "a:b.onnx"])
def test_paths_are_not_urls(text: str) -> None:
    assert not is_url(text)


@pytest.mark.parametrize("key", ["model", "encoder", "decoder"])
def test_a_url_gets_a_hint_with_the_form_that_downloads(tmp_path: Path, key: str) -> None:
    with pytest.raises(ModelError) as caught:
        locate("https://example.org/best.pt", tmp_path, key=key)
    (problem,) = caught.value.problems
    assert problem.code == "model-url"
    assert f"`{key}: {{url: https://example.org/best.pt, sha256: ...}}`" in problem.hint


def test_a_url_of_another_scheme_gets_a_hint_to_download_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        locate("s3://bucket/best.onnx", tmp_path)
    assert caught.value.problems[0].hint.startswith("download the file, or write `model: {url:")
