"""Hugging Face's config.json and preprocessor_config.json, as transformers writes them."""

import json
from pathlib import Path
from typing import Any

import pytest

from builder.model.hugging_face import ImageProcessor, class_count, read_labels, read_processor

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def written(folder: Path, name: str, data: Any) -> Path:
    """The path of a model with a file beside it."""
    (folder / name).write_text(data if isinstance(data, str) else json.dumps(data))
    return folder / "model.onnx"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"0": "cat", "1": "dog"}, {0: "cat", 1: "dog"}),
        ({"10": "b", "2": "a"}, {2: "a", 10: "b"}),
        ({"0": "N/A", "1": "person", "2": "N/A", "3": "car"}, {1: "person", 3: "car"}),
        ({"0": "LABEL_0", "1": "LABEL_1"}, {}),
        ({"a": "cat"}, {}),
        ({"0": 5}, {}),
        ({"0": "cat\n"}, {}),
        ({"-1": "cat"}, {}),
        (["cat"], {}),
        (None, {}),
    ],
)
def test_labels_are_those_of_id2label(tmp_path: Path, names: Any, expected: dict[int, str]) -> None:
    assert read_labels(written(tmp_path, "config.json", {"id2label": names})) == expected


@pytest.mark.parametrize(
    ("names", "count"),
    [
        ({"1": "dog", "0": "cat"}, 2),
        ({"0": "N/A", "1": "person", "2": "N/A", "3": "car"}, 4),
        ({"1": "cat", "2": "dog"}, None),
        ({"0": "cat", "2": "dog"}, None),
        ({"0": "LABEL_0", "1": "LABEL_1"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_unused_classes_count(tmp_path: Path, names: Any, count: int | None) -> None:
    assert class_count(written(tmp_path, "config.json", {"id2label": names})) == count


@pytest.mark.parametrize("text", ["", "[]", "5", "{", '{"id2label": 1}', "[" * 100_000])
def test_damaged_files_are_ignored(tmp_path: Path, text: str) -> None:
    assert read_labels(written(tmp_path, "config.json", text)) == {}
    assert read_processor(written(tmp_path, "preprocessor_config.json", text)) is None


def test_the_files_may_lie_above_a_folder_onnx(tmp_path: Path) -> None:
    written(tmp_path, "config.json", {"id2label": {"0": "cat"}})
    (tmp_path / "onnx").mkdir()
    (tmp_path / "other").mkdir()
    assert read_labels(tmp_path / "onnx" / "model.onnx") == {0: "cat"}
    assert read_labels(tmp_path / "other" / "model.onnx") == {}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (  # SegFormer
            {
                "do_normalize": True,
                "do_resize": True,
                "do_rescale": True,
                "rescale_factor": 0.00392156862745098,
                "resample": 2,
                "size": {"height": 512, "width": 640},
                **IMAGENET,
            },
            ImageProcessor((512, 640), None, 2, 255, MEAN, STD, False),
        ),
        (  # ViT, before rescaling was configurable
            {"size": 224, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 3},
            ImageProcessor((224, 224), None, 3, 255, (0.5,) * 3, (0.5,) * 3, False),
        ),
        (  # CLIP and MobileNet: the shorter edge, then a crop
            {
                "size": {"shortest_edge": 256},
                "do_center_crop": True,
                "crop_size": {"height": 224, "width": 224},
                "do_normalize": False,
                **IMAGENET,
            },
            ImageProcessor(None, (224, 224), None, 255, (), (), False),
        ),
        (  # RT-DETR: values from 0 to 1
            {"size": {"height": 640, "width": 640}, "do_normalize": False, "do_rescale": True},
            ImageProcessor((640, 640), None, None, 255, (), (), False),
        ),
        (
            {"do_rescale": False, "do_resize": False, "size": 224, **IMAGENET},
            ImageProcessor(None, None, None, 1, MEAN, STD, False),
        ),
        (
            {"rescale_factor": 1 / 127.5, "do_flip_channel_order": True, "crop_size": 256},
            ImageProcessor(None, None, None, 127.5, (), (), True),
        ),
        (
            {"size": 10**9, "image_mean": [1, "2", 3], "image_std": [0, 0, 0], "resample": "x"},
            ImageProcessor(None, None, None, 255, (), (), False),
        ),
        ({"feature_extractor_type": "x"}, None),
    ],
)
def test_the_processor_is_read(
    tmp_path: Path, data: dict[str, Any], expected: ImageProcessor | None
) -> None:
    assert read_processor(written(tmp_path, "preprocessor_config.json", data)) == expected
