import io
import struct
from base64 import b64encode
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageOps

from runtimes import reduced
from runtimes.arrays import Array, Size
from runtimes.errors import BadImage, BadRequest
from runtimes.image import pixels
from runtimes.jpeg import PIXEL_LIMIT
from runtimes.picture import Picture

SIZES = [(64, 96), (65, 97), (71, 103), (40, 61), (33, 47)]
"""Heights and widths, most of them odd."""

DOT = 16
"""Side of a bright square."""


def to(height: int, width: int) -> Callable[[Size], Size]:
    """Preprocessing that resizes each image to this size."""
    return lambda _: (height, width)


def file(image: Image.Image, orientation: int = 1, kind: str = "JPEG", **options: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    image.save(stream, kind, exif=exif, quality=95, **options)
    return stream.getvalue()


def decoded(data: bytes, content: Callable[[Size], Size]) -> Picture:
    return reduced.decode(b64encode(data).decode(), content)


def with_square(height: int, width: int, top: int, left: int) -> Image.Image:
    array = np.zeros((height, width, 3), np.uint8)
    array[top : top + DOT, left : left + DOT] = 255
    return Image.fromarray(array)


def smooth(height: int, width: int) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([x * 2, y * 3, 255 - x - y], axis=2).astype(np.uint8))


def center(array: Array) -> Array:
    """Return x and y of the center of the bright pixels, weighted by their brightness."""
    weights = array.astype(float).mean(axis=2)
    weights[weights < 20] = 0
    y, x = np.mgrid[0 : array.shape[0], 0 : array.shape[1]] + 0.5
    return np.asarray(np.array([(x * weights).sum(), (y * weights).sum()]) / weights.sum())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("factor", [2, 4])
def test_the_center_of_a_square_is_mapped_back_to_its_place(
    size: Size, orientation: int, factor: int
) -> None:
    stored = with_square(*size, 16, 16)
    data = file(stored, orientation, subsampling=0)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    height, width = upright.shape[:2]
    found = decoded(data, to(height // factor, width // factor))
    assert found.size == (height, width)
    assert found.pixels.shape == (-(-height // factor), -(-width // factor), 3)
    place = found.geometry.inverse.points(center(found.pixels))
    # Pillow's whole image is the reference.
    assert place == pytest.approx(center(upright), abs=0.15)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_pixels_are_those_of_pillows_reduced_decoder(size: Size, orientation: int) -> None:
    data = file(smooth(*size), orientation)
    with Image.open(io.BytesIO(data)) as image:
        # `draft` sets the scale of libjpeg; it takes the sizes of the stored image.
        image.draft("RGB", (size[1] // 2, size[0] // 2))
        reference = np.asarray(ImageOps.exif_transpose(image))[:, :, ::-1]
    height, width = size if orientation < 5 else size[::-1]
    found = decoded(data, to(height // 2, width // 2))
    assert found.pixels.shape == reference.shape
    # Pillow brings another version of libjpeg.
    assert np.abs(found.pixels.astype(int) - reference).max() <= 3


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (10, 15, 8),
        (12, 15, 8),
        (13, 15, 4),
        (25, 30, 4),
        (26, 38, 2),
        (50, 76, 2),
        (51, 76, 1),
        (50, 77, 1),
        (400, 400, 1),
    ],
)
def test_the_picture_is_never_smaller_than_the_models_input(
    height: int, width: int, expected: int
) -> None:
    found = decoded(file(smooth(100, 153)), to(height, width))
    assert found.pixels.shape[:2] == (-(-100 // expected), -(-153 // expected))
    assert found.size == (100, 153)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_gray_and_cmyk_images_are_reduced(mode: str) -> None:
    image = smooth(64, 64).convert(mode)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=95)
    found = decoded(stream.getvalue(), to(32, 32))
    assert found.pixels.shape == (32, 32, 3)
    whole = pixels(stream.getvalue()).astype(float)
    means = whole.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(found.pixels - means).mean() < 2


def test_a_progressive_file_is_reduced() -> None:
    found = decoded(file(smooth(64, 64), progressive=True), to(16, 16))
    assert found.pixels.shape == (16, 16, 3)


def png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


PLAIN = file(smooth(64, 64))
WHOLE = {
    "png": png(smooth(64, 64)),
    "orientation that does not exist": file(smooth(64, 64), 9),
    "exif without a TIFF header": PLAIN.replace(b"Exif\0\0MM\0*", b"Exif\0\0nope", 1),
}


@pytest.mark.parametrize("name", WHOLE)
def test_other_files_are_decoded_whole(name: str) -> None:
    found = decoded(WHOLE[name], to(8, 8))
    assert (found.pixels == pixels(WHOLE[name])).all()
    assert found.size == (64, 64)
    assert found.geometry.points(np.array([3.0, 5.0])).tolist() == [3, 5]


@pytest.mark.parametrize("data", [PLAIN[:-200], PLAIN[:40], b"\xff\xd8\xff\xe0", b"nothing"])
def test_broken_files_get_the_error_of_the_whole_image(data: bytes) -> None:
    with pytest.raises(BadImage) as whole:
        pixels(data)
    with pytest.raises(BadImage) as found:
        decoded(data, to(8, 8))
    assert str(found.value) == str(whole.value)


@pytest.mark.parametrize(("text", "error"), [("", BadImage), (7, BadRequest), ("*", BadRequest)])
def test_texts_that_are_no_image_are_refused(text: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        reduced.decode(text, to(8, 8))


def test_the_limit_of_pixels_holds_for_the_whole_image(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = PLAIN.index(b"\xff\xc0")
    huge = bytearray(PLAIN)
    huge[frame + 5 : frame + 9] = struct.pack(">HH", 65500, 65500)
    monkeypatch.setenv(PIXEL_LIMIT, str(2**30))
    with pytest.raises(BadImage):
        decoded(bytes(huge), to(8, 8))
