"""URLs in place of files: each command names the form that works."""

from pathlib import Path

import pytest

from tests.builder.cli.invoke import invoke

URL = "https://example.org/models/best.onnx"
MANIFEST = """\
name: linked
type: detector
model: {}
labels: [a]
preprocess: [letterbox, {{normalize: 255}}]
postprocess: [yolo, nms, rectangle]
"""


@pytest.mark.parametrize("command", [["init"], ["inspect"], ["check"], ["build"], ["diff"], []])
def test_a_url_as_an_argument(command: list[str]) -> None:
    status, out, err = invoke(*command, URL)
    assert (status, out) == (1, "") or (status, out) == (2, "")
    assert "is a URL, not a file" in err
    assert f"`model: {{url: {URL}, sha256: ...}}`" in err


@pytest.mark.parametrize("command", [["check"], ["build"], ["diff"], []])
def test_a_url_as_the_path_of_a_model(tmp_path: Path, command: list[str]) -> None:
    file = tmp_path / "linked.yaml"
    file.write_text(MANIFEST.format(URL))
    out_dir = ["--out", str(tmp_path / "out")] if command != ["check"] else []
    status, out, err = invoke(*command, file, *out_dir)
    assert (status, out) == (1, "")
    assert "linked.yaml:3:1: model: a URL is written as a path" in err
    assert f"write `model: {{url: {URL}, sha256: ...}}`" in err
    assert not (tmp_path / "out").exists()


def test_a_url_as_the_path_of_a_second_model(tmp_path: Path) -> None:
    file = tmp_path / "linked.yaml"
    second = f"then:\n  - model: {URL}\n    preprocess: [resize]\n    postprocess: [heatmap]\n"
    file.write_text(MANIFEST.format("m.onnx") + second)
    status, _, err = invoke("check", file)
    assert status == 1
    assert "then[0].model: a URL is written as a path" in err
