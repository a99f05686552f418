from pathlib import Path

import cv2
import numpy as np
import pytest

from builder.diagnostics.errors import CommandLineError
from builder.run.bench.pictures import RATIOS, Picture, mixed, read
from tests.builder.conftest import png


def test_an_image_is_read_with_its_size(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(40, 30))
    assert read(tmp_path / "a.png") == Picture(str(tmp_path / "a.png"), png(40, 30), 40, 30)


@pytest.mark.parametrize("data", [b"text", b"", png(64, 64)[:60]])
def test_a_broken_image_is_an_error_with_its_name(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "broken.png"
    file.write_bytes(data)
    with pytest.raises(CommandLineError, match=r"broken\.png"):
        read(file)


@pytest.mark.parametrize(("suffix", "magic"), [(".jpg", b"\xff\xd8"), (".png", b"\x89PNG")])
def test_equal_images_are_stretched_to_different_shapes(suffix: str, magic: bytes) -> None:
    data = cv2.imencode(suffix, np.full((90, 160, 3), 128, np.uint8))[1].tobytes()
    found = mixed([Picture("a", data, 160, 90)] * 2)
    assert len({(it.width, it.height) for it in found}) == len(found) == len(RATIOS)
    for picture, (x, y) in zip(found, RATIOS, strict=True):
        decoded = cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None
        assert decoded.shape == (picture.height, picture.width, 3)
        assert picture.data.startswith(magic)
        assert picture.width * picture.height == pytest.approx(160 * 90, rel=0.02)
        assert picture.width / picture.height == pytest.approx(x / y, rel=0.02)


def test_images_of_different_sizes_are_their_own_mix() -> None:
    given = [Picture("a", png(20, 10), 20, 10), Picture("b", png(10, 20), 10, 20)]
    assert mixed(given) == given
