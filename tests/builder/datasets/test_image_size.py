from pathlib import Path
from typing import Any

import cv2
import pytest
from PIL import Image

from builder.datasets.image_size import image_size
from builder.diagnostics.errors import DatasetError


@pytest.mark.parametrize("orientation", range(9))
@pytest.mark.parametrize(
    ("suffix", "options"),
    [("jpg", {}), ("jpg", {"progressive": True}), ("png", {}), ("webp", {}), ("bmp", {})],
)
def test_the_size_is_that_of_the_image_as_opencv_reads_it(
    tmp_path: Path, suffix: str, options: dict[str, Any], orientation: int
) -> None:
    file = tmp_path / f"image.{suffix}"
    exif = Image.Exif()
    exif[0x010F] = "camera"
    exif[0x0112] = orientation
    if orientation:
        options = {**options, "exif": exif}
    Image.new("RGB", (40, 20)).save(file, **options)
    image = cv2.imread(str(file))
    assert image is not None
    assert image_size(file) == image.shape[:2]


@pytest.mark.parametrize("length", [0, 1, 3, 10, 30])
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_truncated_header_is_refused(tmp_path: Path, suffix: str, length: int) -> None:
    file = tmp_path / f"image.{suffix}"
    Image.new("RGB", (40, 20)).save(file)
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(DatasetError, match="is not a readable image"):
        image_size(file)
