from pathlib import Path
from typing import Any

import pytest

from runtimes.preprocess.resize import CenterCrop, Letterbox
from runtimes.preprocess.values import Channels, Layout, Normalize
from tests.builder import models
from tests.builder.conftest import detector_of
from tests.builder.plan.conftest import Planned, Refused


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ({"letterbox": 32}, "preprocess[0].letterbox.size"),
        ({"resize": [64, 32]}, "preprocess[0].resize.size"),
        ({"center_crop": 65}, "preprocess[0].center_crop.size"),
        ({"letterbox": {"stride": 32}}, "preprocess[0].letterbox.stride"),
        ({"channels": "gray"}, "preprocess[0].channels.order"),
        ({"layout": "nhwc"}, "preprocess[0].layout.layout"),
    ],
)
def test_preprocessing_that_does_not_fit_the_input_is_reported(
    refused: Refused, entry: dict[str, Any], path: str
) -> None:
    (name,) = entry
    resize = [] if name in ("letterbox", "resize", "center_crop") else ["letterbox"]
    found = refused(preprocess=[entry, *resize])
    assert found[0].place.startswith(path.rsplit(".", 1)[0])
    # The stride stands below its step, the others beside theirs.
    assert found[0].line == (7 if path.endswith("stride") else 6)


@pytest.mark.parametrize("preprocess", [[], ["normalize"]])
def test_a_missing_resize_step_is_reported(refused: Refused, preprocess: list[str]) -> None:
    (problem,) = refused(preprocess=preprocess)
    assert problem.place == "preprocess"
    assert "64x64" in problem.what


def test_an_open_input_size_is_taken_from_the_manifest(
    planned: Planned, refused: Refused, tmp_path: Path
) -> None:
    models.open_size_model(tmp_path / "open.onnx")
    (problem,) = refused(model="open.onnx")
    assert problem.place.startswith("preprocess[0].letterbox")
    found = planned(model="open.onnx", preprocess=[{"letterbox": [48, 96]}])
    assert detector_of(found).network.preprocess[0] == Letterbox((48, 96))
    found = planned(model="open.onnx", preprocess=[{"center_crop": 96}])
    assert detector_of(found).network.preprocess[0] == CenterCrop((96, 96))


def test_an_open_size_is_read_from_the_metadata_of_ultralytics(
    planned: Planned, tmp_path: Path
) -> None:
    models.yolo_model(
        tmp_path / "open.onnx",
        shape=(1, 3, "height", "width"),
        metadata={"names": models.NAMES, "imgsz": "[32, 64]"},
    )
    assert detector_of(planned(model="open.onnx")).network.preprocess[0] == Letterbox((32, 64))


def test_a_model_with_two_inputs_is_reported_with_their_names(
    refused: Refused, tmp_path: Path
) -> None:
    models.two_input_model(tmp_path / "two.onnx")
    (problem,) = refused(model="two.onnx")
    assert "2 inputs" in problem.what
    assert "images" in problem.found
    assert "points" in problem.found


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((2, 3, 64, 64), "2 images"),
        ((1, 4, 64, 64), "4 channels"),
        ((1, 64), "2 axes"),
        ((1, 1, 3, 64, 64), "5 axes"),
    ],
)
def test_inputs_that_are_no_images_are_reported(
    refused: Refused, tmp_path: Path, shape: tuple[int, ...], words: str
) -> None:
    models.yolo_model(tmp_path / "other.onnx", shape=shape)
    assert words in refused(model="other.onnx")[0].what


def test_channels_and_layout_are_taken_from_the_inputs_shape(
    planned: Planned, tmp_path: Path
) -> None:
    models.yolo_model(tmp_path / "gray.onnx", shape=(1, 32, 64, 1))
    assert detector_of(planned(model="gray.onnx")).network.preprocess == (
        Letterbox((32, 64)),
        Channels("gray"),
        Normalize(),
        Layout("nhwc"),
    )
