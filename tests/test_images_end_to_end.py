"""Images of cameras and damaged files, from the file to the reply and the terminal."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from builder.manifest.variants import VariantName
from builder.run.process import FunctionProcess
from runtimes.arrays import Array
from tests.paths import ROOT
from tests.scenes import iou

MANIFEST = ROOT / "manifests" / "masks.yaml"
PHOTO = ROOT / "docs" / "shapes.jpg"

Item = dict[str, Any]


def text_of(**keys: str) -> str:
    """The example manifest, with absolute paths and further keys."""
    text = MANIFEST.read_text("utf-8").replace("models/", f"{MANIFEST.parent}/models/")
    text = text.replace("  - mask\n", "  - rectangle\n")
    lines = [f"{key}: {value}\n" for key, value in keys.items()]
    return text + "".join(lines)


@pytest.fixture(scope="module")
def folder(build_from: Callable[[str], Path]) -> Path:
    return build_from(text_of())


@pytest.fixture(scope="module")
def forgiving(build_from: Callable[[str], Path]) -> Path:
    return build_from(text_of(on_bad_image="empty"))


@pytest.fixture(scope="module", params=["cpu", pytest.param("gpu", marks=pytest.mark.slow)])
def function(request: pytest.FixtureRequest, folder: Path) -> Iterator[FunctionProcess]:
    with FunctionProcess(folder, request.param, allow_fallback=True) as started:
        yield started


def gray() -> Array:
    """The example picture in gray, from 0 to 255 as every stretch makes it."""
    image = cv2.imread(str(PHOTO), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    low, high = int(image.min()), int(image.max())
    return np.asarray(((image.astype(int) - low) * 255 // (high - low)).astype(np.uint8))


def encoded(suffix: str, image: Array) -> bytes:
    return bytes(cv2.imencode(suffix, image)[1].tobytes())


def items(function: FunctionProcess, data: bytes) -> list[Item]:
    found = function(data).raise_for_status().body
    assert isinstance(found, list)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["cpu", "gpu"])
def test_objects_in_a_reduced_image_are_those_of_the_whole_image(
    build_from: Callable[[str], Path], variant: VariantName
) -> None:
    photo = cv2.imread(str(PHOTO))
    assert photo is not None
    large = np.asarray(cv2.resize(photo, (1283, 957), interpolation=cv2.INTER_CUBIC))
    data = encoded(".jpg", large)
    text = text_of().replace("  - rectangle\n", "  - mask\n")
    found = []
    for decode in ("auto", "reduced"):
        folder = build_from(f"{text}decode: {decode}\n")
        with FunctionProcess(folder, variant, allow_fallback=True) as function:
            found.append(items(function, data))
    assert len(found[0]) == len(found[1]) > 3
    for whole, reduced in zip(*found, strict=True):
        assert whole["label"] == reduced["label"]
        assert whole["confidence"] == pytest.approx(reduced["confidence"], abs=0.05)
        masks = [np.zeros((957, 1283), bool) for _ in range(2)]
        for mask, item in zip(masks, (whole, reduced), strict=True):
            left, top, right, bottom = item["mask"][-4:]
            size = bottom - top + 1, right - left + 1
            mask[top : bottom + 1, left : right + 1] = np.reshape(item["mask"][:-4], size)
        assert iou(masks[0], masks[1]) > 0.9


@pytest.mark.parametrize("suffix", [".tif", ".png"])
@pytest.mark.parametrize("factor", [4, 16, 64, 257])
def test_an_image_of_a_camera_with_fewer_bits_gives_the_same_items(
    function: FunctionProcess, suffix: str, factor: int
) -> None:
    wanted = items(function, encoded(".png", gray()))
    assert len(wanted) >= 3
    assert items(function, encoded(suffix, gray().astype(np.uint16) * factor)) == wanted


@pytest.mark.parametrize("scale", [1, 1 / 255])
def test_a_floating_point_image_gives_the_same_items(
    function: FunctionProcess, scale: float
) -> None:
    image = cv2.imread(str(PHOTO))
    assert image is not None
    wanted = items(function, encoded(".png", np.asarray(image)))
    assert len(wanted) >= 3
    for data in (image, gray()):
        found = items(function, encoded(".tif", (data * scale).astype(np.float32)))
        assert found == items(function, encoded(".png", np.asarray(data)))


def truncated() -> bytes:
    """A JPEG file without its last 1 %."""
    data = PHOTO.read_bytes()
    return data[: len(data) * 99 // 100]


def test_a_truncated_file_is_named_so(function: FunctionProcess) -> None:
    reply = function(truncated())
    assert reply.status == 400
    assert reply.body["error"].startswith("image: is truncated")
    assert "upload the original file again" in reply.body["error"]


@pytest.mark.parametrize("variant", ["cpu", pytest.param("gpu", marks=pytest.mark.slow)])
def test_a_truncated_file_can_get_an_empty_reply(forgiving: Path, variant: Any) -> None:
    with FunctionProcess(forgiving, variant, allow_fallback=True) as function:
        for number in (1, 2):
            before = len(function.log)
            assert items(function, truncated()) == []
            warning = function.log[before]
            assert warning.startswith("warn: empty reply for an image that cannot be decoded")
            assert f"({number} since this worker started)" in warning
            assert "is truncated" in warning
        assert len(items(function, PHOTO.read_bytes())) >= 3


def predict(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "builder", "predict", str(folder), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.slow
def test_predict_names_an_image_that_got_an_empty_reply(forgiving: Path, tmp_path: Path) -> None:
    file = tmp_path / "cut.jpg"
    file.write_bytes(truncated())
    done = predict(forgiving, file, PHOTO, "--save", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    first, *_ = done.stdout.splitlines()
    assert first.startswith(f"{file}: 0 items: the image cannot be decoded, ")
    assert [it.name for it in (tmp_path / "out").iterdir()] == ["shapes.png"]


@pytest.mark.slow
def test_libraries_print_nothing_to_the_terminal(
    folder: Path, forgiving: Path, tmp_path: Path
) -> None:
    # libpng warns of an unknown profile, libjpeg and OpenCV of missing data.
    whole = encoded(".png", np.asarray(cv2.imread(str(PHOTO))))
    profile = b"iCCP" + b"x" * 8
    chunk = len(profile[4:]).to_bytes(4, "big") + profile + (0).to_bytes(4, "big")
    files = {
        "profile.png": whole[:33] + chunk + whole[33:],
        "cut.png": whole[:-2000],
        "cut.jpg": truncated(),
        "cut.tif": encoded(".tif", gray())[:-200],
        "cut.bmp": encoded(".bmp", gray())[:-200],
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    paths = [tmp_path / name for name in files]
    for function in (folder, forgiving):
        done = predict(function, *paths, "--save", tmp_path / "out", "--json")
        assert {json.loads(line)["status"] for line in done.stdout.splitlines()} <= {200, 400}
        assert [line for line in done.stderr.splitlines() if not line.startswith("  drawn: ")] == []
