"""Hugging Face's files beside a model: config.json and preprocessor_config.json.

They are not trusted: invalid values are treated as missing.

Source: huggingface.co/docs/transformers/main_classes/image_processor, and the keys of
`PretrainedConfig`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.model.label_metadata import valid_names
from runtimes.arrays import Size

CONFIG_FILE, PROCESSOR_FILE = "config.json", "preprocessor_config.json"
_MAX_BYTES = 10_000_000
_MAX_SIDE = 16384
_UNNAMED = {"n/a", "unused"}
"""Names of classes that no image of the training has, as in the DETR models of COCO."""


@dataclass(frozen=True, slots=True)
class ImageProcessor:
    """The preprocessing that preprocessor_config.json describes.

    Attributes:
        size: height and width that images are resized to; None if the file names an edge only.
        crop: height and width of the center that is cut out after resizing, or None.
        resample: Pillow's number of the interpolation: 0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic;
            None if the file does not name it.
        scale: the divisor of bytes, 255 for values from 0 to 1; 1 without rescaling.
        mean, std: one or three numbers, of rescaled values; empty without normalization.
        flips_channels: whether the model takes blue, green, red.
    """

    size: Size | None
    crop: Size | None
    resample: int | None
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flips_channels: bool


def read_labels(model: Path) -> dict[int, str]:
    """Return class ID -> name from `id2label` in config.json; empty if there is none.

    Names that transformers makes up, such as LABEL_0, and those of unused classes are omitted.

    Args:
        model: the model file; config.json is in its folder, or above a folder `onnx`.
    """
    names = _names(model)
    return {class_id: it for class_id, it in names.items() if it.strip().lower() not in _UNNAMED}


def class_count(model: Path) -> int | None:
    """Return the number of classes of `id2label` in config.json, with unused ones.

    None if there is none, if transformers made up the names, or if the class IDs have gaps.

    Args:
        model: the model file; see read_labels.
    """
    names = _names(model)
    return len(names) if names and [*names] == [*range(len(names))] else None


def read_processor(model: Path) -> ImageProcessor | None:
    """Return the preprocessing from preprocessor_config.json; None if there is none.

    Args:
        model: the model file; see read_labels.
    """
    data = _read(model, PROCESSOR_FILE)
    if not data.keys() & {"image_mean", "image_std", "rescale_factor", "size", "do_normalize"}:
        return None
    factor = data.get("rescale_factor", 1 / 255)
    rescales = data.get("do_rescale", True) is not False and _is_number(factor) and factor > 0
    mean, std = (_numbers(data.get(key)) for key in ("image_mean", "image_std"))
    if data.get("do_normalize", True) is False or not mean or not std or not all(std):
        mean, std = (), ()
    resample = data.get("resample")
    return ImageProcessor(
        _size(data.get("size")) if data.get("do_resize", True) is not False else None,
        _size(data.get("crop_size")) if data.get("do_center_crop") is True else None,
        resample if type(resample) is int and 0 <= resample <= 5 else None,
        float(f"{1 / factor:.6g}") if rescales else 1.0,
        mean,
        std,
        data.get("do_flip_channel_order") is True,
    )


def _names(model: Path) -> dict[int, str]:
    """Return class ID -> name from config.json, without names that transformers makes up."""
    names = valid_names(_read(model, CONFIG_FILE).get("id2label"))
    made_up = all(name == f"LABEL_{class_id}" for class_id, name in names.items())
    return {} if made_up else names


def _read(model: Path, name: str) -> Mapping[str, Any]:
    """Return the content of a JSON file that belongs to a model; empty if there is none."""
    folders = [model.parent]
    if model.parent.name == "onnx":
        folders.append(model.parent.parent)
    for folder in folders:
        file = folder / name
        try:
            if file.stat().st_size > _MAX_BYTES:
                continue
            data = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(data, dict):
            return data
    return {}


def _size(value: object) -> Size | None:
    """Return a height and width: of one number, or of the keys `height` and `width`."""
    sides = value if isinstance(value, dict) else {"height": value, "width": value}
    height, width = sides.get("height"), sides.get("width")
    if type(height) is not int or type(width) is not int:
        return None
    return (height, width) if 0 < height <= _MAX_SIDE and 0 < width <= _MAX_SIDE else None


def _numbers(value: object) -> tuple[float, ...]:
    """Return one or three finite numbers; empty for other values."""
    if not isinstance(value, list) or len(value) not in (1, 3):
        return ()
    found = tuple(float(number) for number in value if _is_number(number))
    return found if len(found) == len(value) else ()


def _is_number(value: object) -> bool:
    """Return whether a value is a finite number of moderate size."""
    return isinstance(value, int | float) and type(value) is not bool and abs(value) <= 1e6
