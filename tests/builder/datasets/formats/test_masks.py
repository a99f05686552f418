from pathlib import Path

import cv2
import numpy as np
import pytest

from builder.datasets.annotation import Mask
from builder.datasets.registry import open_dataset
from builder.diagnostics.errors import DatasetError
from runtimes.arrays import Array
from tests.builder.datasets.conftest import WriteFiles


def png(pixels: Array) -> bytes:
    done, data = cv2.imencode(".png", pixels)
    assert done
    return data.tobytes()


def write(write_files: WriteFiles, mask: Array, **files: str | bytes) -> Path:
    labelmap = "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:255,0,10::\ndog:9,9,9::\n"
    return write_files(
        {
            "labelmap.txt": labelmap,
            "JPEGImages/a.jpg": (4, 3),
            "SegmentationClass/a.png": png(mask),
            **files,
        }
    )


def colors() -> Array:
    """One row of cat (red 255, blue 10) at the top; the border of an object below it."""
    mask = np.zeros((3, 4, 3), np.uint8)
    mask[0, 1:] = (10, 0, 255)
    mask[1] = (0xC0, 0xE0, 0xE0)
    return mask


def test_colors_are_labels_and_borders_are_ignored(write_files: WriteFiles) -> None:
    with open_dataset(write(write_files, colors())) as dataset:
        assert dataset.format == "Segmentation mask"
        assert dataset.labels == ("cat", "dog")
        (image,) = dataset
    assert image.name == "a"
    (cat,) = image.annotations
    assert cat.label == "cat"
    assert isinstance(cat.shape, Mask)
    assert (cat.shape.left, cat.shape.top, cat.shape.bitmap.tolist()) == (1, 0, [[True] * 3])
    (border,) = image.ignored
    assert isinstance(border, Mask)
    assert (border.left, border.top, border.bitmap.shape) == (0, 1, (1, 4))


def test_values_of_one_channel_are_positions_of_labels(write_files: WriteFiles) -> None:
    mask = np.array([[0, 1, 1, 2], [0, 0, 0, 255], [0, 0, 0, 0]], np.uint8)
    with open_dataset(write(write_files, mask)) as dataset:
        image = dataset[0]
    assert [it.label for it in image.annotations] == ["cat", "dog"]
    assert len(image.ignored) == 1


def test_pascal_vocs_labels_are_known(write_files: WriteFiles) -> None:
    mask = np.zeros((3, 4, 3), np.uint8)
    mask[0] = (0, 0, 64)  # cat, the eighth: 64,0,0
    mask[1] = (128, 128, 192)  # person, the fifteenth: 192,128,128
    folder = write(write_files, mask)
    (folder / "labelmap.txt").unlink()
    with open_dataset(folder) as dataset:
        assert len(dataset.labels) == 20
        assert [it.label for it in dataset[0].annotations] == ["cat", "person"]


@pytest.mark.parametrize(
    ("labelmap", "message"),
    [
        ("cat:255,0,11::\n", r"a.png: has a color of no label\n  found:   255,0,10"),
        ("cat:255,0::\n", "labelmap.txt:1:1: has an invalid color"),
        ("cat:1,2,300::\n", "has an invalid color"),
        ("cat:1,2,3::\ndog:1,2,3::\n", "labelmap.txt:2:1: has the color of label cat"),
    ],
)
def test_unknown_colors_are_refused(write_files: WriteFiles, labelmap: str, message: str) -> None:
    folder = write(write_files, colors())
    (folder / "labelmap.txt").write_text(labelmap)
    with pytest.raises(DatasetError, match=message), open_dataset(folder) as dataset:
        dataset[0]


def test_masks_of_different_sizes_are_refused(write_files: WriteFiles) -> None:
    objects = {"SegmentationObject/a.png": png(np.zeros((4, 4, 3), np.uint8))}
    with (
        open_dataset(write(write_files, colors(), **objects)) as dataset,
        pytest.raises(DatasetError, match="has another size"),
    ):
        dataset[0]


def test_a_damaged_mask_is_refused(write_files: WriteFiles) -> None:
    folder = write(write_files, colors())
    (folder / "SegmentationClass/a.png").write_bytes(b"\x89PNG")
    with open_dataset(folder) as dataset, pytest.raises(DatasetError, match="is not a mask"):
        dataset[0]
