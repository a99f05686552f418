import io
import struct
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from runtimes import jpeg
from runtimes.arrays import Array
from runtimes.image import pixels
from tests.runtimes.image_files import color


def file(image: Image.Image, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


def photo(height: int, width: int) -> Image.Image:
    """Smooth colors with noise and sharp edges."""
    random = np.random.default_rng(height * 1000 + width)
    y, x = np.mgrid[0:height, 0:width]
    smooth = np.stack([x * 3 % 256, y * 2 % 256, (x + y) % 256], axis=2)
    noisy = (smooth + random.integers(-20, 20, smooth.shape)).clip(0, 255).astype(np.uint8)
    noisy[height // 3 : height // 2, width // 4 : width // 2] = (250, 10, 20)
    return Image.fromarray(noisy)


def by_opencv(data: bytes) -> Array:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))


PLAIN = file(photo(48, 64))


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (16, 16), (33, 47), (120, 161)])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("quality", [30, 75, 100])
@pytest.mark.parametrize("progressive", [False, True])
def test_the_pixels_are_those_of_opencv(
    size: tuple[int, int], subsampling: int, quality: int, progressive: bool
) -> None:
    data = file(photo(*size), subsampling=subsampling, quality=quality, progressive=progressive)
    found = jpeg.decode(data)
    assert found is not None
    assert found.dtype == np.uint8
    assert (found == by_opencv(data)).all()


@pytest.mark.parametrize(
    "options",
    [
        {"restart_marker_blocks": 2},
        {"icc_profile": b"profile" * 40},
        {"comment": b"text"},
        {"dpi": (300, 300)},
        {"optimize": True},
    ],
)
def test_other_segments_change_nothing(options: dict[str, Any]) -> None:
    data = file(photo(40, 50), **options)
    found = jpeg.decode(data)
    assert found is not None
    assert (found == by_opencv(data)).all()


def exif(orientation: int) -> bytes:
    data = Image.Exif()
    data[0x0112] = orientation
    return data.tobytes()


def test_an_upright_image_with_exif_data_is_decoded() -> None:
    data = file(photo(20, 30), exif=exif(1))
    found = jpeg.decode(data)
    assert found is not None
    assert (found == by_opencv(data)).all()


def adobe(transformation: int) -> bytes:
    """PLAIN with Adobe's segment instead of JFIF's."""
    content = b"Adobe" + struct.pack(">HHHB", 100, 0, 0, transformation)
    segment = b"\xff\xee" + struct.pack(">H", len(content) + 2) + content
    (size,) = struct.unpack_from(">H", PLAIN, 4)
    return PLAIN[:2] + segment + PLAIN[4 + size :]


def with_ids(*ids: int) -> bytes:
    """PLAIN with other component IDs, in its frame and in its scan."""
    data = bytearray(PLAIN)
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    for number, value in enumerate(ids):
        data[frame + 10 + 3 * number] = value
        data[scan + 5 + 2 * number] = value
    return bytes(data)


NOT_PLAIN = {
    "turned": file(photo(20, 30), exif=exif(6)),
    "mirrored": file(photo(20, 30), exif=exif(2)),
    "gray": file(photo(20, 30).convert("L")),
    "cmyk": file(photo(20, 30).convert("CMYK")),
    "rgb": adobe(0),
    "other component IDs": with_ids(82, 71, 66),
    "truncated": PLAIN[:-200],
    "without its end": PLAIN[:-2],
    "damaged": PLAIN[:700] + b"\xff\xd9" + PLAIN[702:],
    "header alone": PLAIN[:40],
    "arithmetic coding": PLAIN.replace(b"\xff\xc0", b"\xff\xc9", 1),
    "exif without a TIFF header": file(photo(20, 30), exif=b"Exif\0\0nothing"),
}


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_everything_else_is_left_to_opencv(name: str) -> None:
    assert jpeg.decode(NOT_PLAIN[name]) is None


@pytest.mark.parametrize("transformation", [0, 1])
def test_adobes_transformation_is_applied(transformation: int) -> None:
    data = adobe(transformation)
    assert (pixels(data) == by_opencv(data)).all()


@pytest.mark.parametrize("limit", ["3071", "many"])
def test_an_image_over_the_limit_of_pixels_is_left_to_opencv(
    monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setenv(jpeg.PIXEL_LIMIT, "3072")  # 48 x 64
    assert jpeg.decode(PLAIN) is not None
    monkeypatch.setenv(jpeg.PIXEL_LIMIT, limit)
    assert jpeg.decode(PLAIN) is None


def test_opencv_decodes_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = pixels(PLAIN)
    monkeypatch.setattr(jpeg, "simplejpeg", None)
    assert jpeg.decode(PLAIN) is None
    assert (pixels(PLAIN) == expected).all()


def test_a_decoded_image_can_be_written_to() -> None:
    found = jpeg.decode(file(color()))
    assert found is not None
    found[0, 0] = 7
    assert found.flags.c_contiguous
