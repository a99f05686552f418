import io
import subprocess
import sys
from base64 import b64encode, encodebytes
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageOps

from runtimes.arrays import Array
from runtimes.errors import BadRequest
from runtimes.image import decode, pixels
from tests.grids import grid
from tests.runtimes.image_files import (
    ALPHA,
    COLOR,
    DEEP,
    GRAY,
    HEIGHT,
    WIDTH,
    color,
    encoded,
    png16,
    tiff,
)


def with_alpha(image: Image.Image) -> Image.Image:
    image.putalpha(Image.fromarray(ALPHA))
    return image


MODES: dict[str, Callable[[], Image.Image]] = {
    "RGB": color,
    "L": lambda: color().convert("L"),
    "1": lambda: color().convert("1"),
    "P": lambda: color().quantize(40),
    "RGBA": lambda: with_alpha(color()),
    "LA": lambda: with_alpha(color().convert("L")),
    "CMYK": lambda: color().convert("CMYK"),
}


def by_pillow(data: bytes) -> Array:
    """RGB decoded by Pillow, with orientation applied and alpha dropped, not blended."""
    image: Image.Image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    bands = image.split()
    if image.mode == "RGBA":
        image = Image.merge("RGB", bands[:3])
    elif image.mode == "LA":
        image = bands[0]
    return np.asarray(image.convert("RGB"))


def check(data: bytes, rgb: Array, slack: int = 0) -> None:
    found = pixels(data)
    assert found.dtype == np.uint8
    assert found.shape == rgb.shape
    difference = found[:, :, ::-1].astype(int) - rgb.astype(int)
    assert np.abs(difference).max() <= slack


@pytest.mark.parametrize(
    ("kind", "mode", "slack"),
    [
        ("JPEG", "RGB", 2),
        ("JPEG", "L", 2),
        ("JPEG", "CMYK", 2),
        ("PNG", "RGB", 0),
        ("PNG", "L", 0),
        ("PNG", "1", 0),
        ("PNG", "P", 0),
        ("PNG", "RGBA", 0),
        ("PNG", "LA", 0),
        ("WEBP", "RGB", 0),
        ("WEBP", "RGBA", 0),
        ("BMP", "RGB", 0),
        ("BMP", "L", 0),
        ("BMP", "1", 0),
        ("BMP", "P", 0),
        ("BMP", "RGBA", 0),
        ("TIFF", "RGB", 0),
        ("TIFF", "L", 0),
        ("TIFF", "1", 0),
        ("TIFF", "P", 0),
        ("TIFF", "RGBA", 0),
        ("TIFF", "LA", 0),
        ("TIFF", "CMYK", 2),
        ("GIF", "L", 0),
        ("GIF", "1", 0),
        ("GIF", "P", 0),
    ],
)
def test_each_format_and_mode_matches_pillow(kind: str, mode: str, slack: int) -> None:
    options: dict[str, object] = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    data = encoded(MODES[mode](), kind, **options)
    check(data, by_pillow(data), slack)


@pytest.mark.parametrize("quality", [60, 95])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_of_any_coding_matches_pillow(
    quality: int, subsampling: int, progressive: bool
) -> None:
    data = encoded(
        color(), "JPEG", quality=quality, subsampling=subsampling, progressive=progressive
    )
    check(data, by_pillow(data), 2)


def test_lossy_webp_matches_pillow() -> None:
    data = encoded(color(), "WEBP", quality=80)
    check(data, by_pillow(data), 2)


@pytest.mark.parametrize(
    "compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4"]
)
def test_compressed_tiff_matches_pillow(compression: str) -> None:
    image = MODES["1" if compression == "group4" else "RGB"]()
    data = encoded(image, "TIFF", compression=compression)
    check(data, by_pillow(data), 2)


@grid(
    ("kind", ["JPEG", "PNG", "WEBP", "TIFF"]),
    ("orientation", range(1, 9)),
    pairs=False,
)
def test_orientation_is_applied(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    codings: dict[str, dict[str, object]] = {
        "JPEG": {"quality": 100, "subsampling": 0},
        "WEBP": {"lossless": True},
    }
    options = codings.get(kind, {})
    data = encoded(color(), kind, exif=exif, **options)
    rgb = by_pillow(data)
    assert rgb.shape[:2] == ((WIDTH, HEIGHT) if orientation > 4 else (HEIGHT, WIDTH))
    check(data, rgb, 2)


def test_the_first_frame_of_an_animation_is_decoded() -> None:
    first = color().quantize(40)
    other = ImageOps.invert(color()).quantize(40)
    data = encoded(first, "GIF", save_all=True, append_images=[other])
    check(data, np.asarray(first.convert("RGB")))


def test_transparent_palette_entries_keep_their_color() -> None:
    image = color().quantize(40)
    check(encoded(image, "PNG", transparency=3), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize(
    "bands", [[0], [0, 1], [0, 1, 2], [0, 1, 2, 0]], ids=["gray", "gray+a", "rgb", "rgba"]
)
def test_16_bit_png_is_reduced_to_the_upper_8(bands: list[int]) -> None:
    gray = len(bands) < 3
    check(png16(DEEP[:, :, bands]), COLOR[:, :, [0, 0, 0]] if gray else COLOR)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("bands", "options"),
    [
        ([0], {"photometric": "minisblack"}),
        ([0, 1, 2], {"photometric": "rgb"}),
        ([0, 1, 2, 0], {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    ],
    ids=["gray", "rgb", "rgba"],
)
def test_16_bit_tiff_is_reduced_to_the_upper_8(
    order: str, bands: list[int], options: dict[str, object]
) -> None:
    data = tiff(DEEP[:, :, bands].squeeze(), byteorder=order, **options)
    check(data, COLOR[:, :, [0, 0, 0]] if len(bands) == 1 else COLOR)


@pytest.mark.parametrize("big", [False, True], ids=["tiff", "bigtiff"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_8_bit_tiff_keeps_colors_of_transparent_pixels(big: bool, order: str) -> None:
    data = tiff(
        np.dstack([COLOR, ALPHA]),
        photometric="rgb",
        extrasamples=["unassalpha"],
        bigtiff=big,
        byteorder=order,
    )
    check(data, COLOR)


@pytest.mark.parametrize(
    ("array", "options", "rgb"),
    [
        (COLOR, {"photometric": "rgb", "bigtiff": True}, COLOR),
        (COLOR.transpose(2, 0, 1), {"photometric": "rgb", "planarconfig": "separate"}, COLOR),
        (COLOR[:, :, 0], {"photometric": "miniswhite"}, 255 - COLOR[:, :, [0, 0, 0]]),
        (
            np.tile(COLOR, (3, 3, 1)),
            {"photometric": "rgb", "tile": (64, 64)},
            np.tile(COLOR, (3, 3, 1)),
        ),
    ],
    ids=["bigtiff", "planes", "white is zero", "tiles"],
)
def test_tiff_variants(array: Array, options: dict[str, object], rgb: Array) -> None:
    check(tiff(np.ascontiguousarray(array), **options), rgb)


@pytest.mark.parametrize(
    "text",
    [
        lambda data: b64encode(data).decode(),
        lambda data: encodebytes(data).decode(),
        lambda data: encodebytes(data).decode().replace("\n", "\r\n"),
        lambda data: "data:image/png;base64," + b64encode(data).decode(),
        lambda data: "data:image/png;base64," + encodebytes(data).decode(),
    ],
    ids=["plain", "lines", "crlf lines", "data url", "data url with lines"],
)
def test_all_forms_of_base64_are_decoded(text: Callable[[bytes], str]) -> None:
    found = decode(text(encoded(color(), "PNG")))
    np.testing.assert_array_equal(found[:, :, ::-1], COLOR)


@pytest.mark.parametrize(
    ("value", "found"),
    [(None, "nothing"), (7, "int"), ([], "list"), ({}, "dict"), (b"x", "bytes")],
)
def test_a_value_that_is_not_text_is_refused_with_its_type(value: object, found: str) -> None:
    with pytest.raises(BadRequest) as caught:
        decode(value)
    assert (caught.value.where, caught.value.found) == ("image", found)
    assert "base64" in caught.value.what


@pytest.mark.parametrize(
    "text", ["not base64!", "abcde", "aGVsbG8", "ümlaut==", "\ud800", "data:image/png;base64,?"]
)
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        decode(text)
    assert caught.value.where == "image"
    assert "is not base64" in caught.value.what


def test_invalid_text_is_truncated_in_the_message() -> None:
    with pytest.raises(BadRequest) as caught:
        decode("?" * 100_000)
    assert caught.value.found == repr("?" * 24) + "..."


@pytest.mark.parametrize(
    "data",
    [
        b"hello, this is no picture",
        b"%PDF-1.7\n" + b"\0" * 64,
        encoded(color(), "PNG")[:40],
        encoded(color(), "BMP")[:20],
    ],
    ids=["text", "pdf", "cut png", "cut bmp"],
)
def test_bytes_that_are_not_an_image_are_refused(data: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        decode(b64encode(data).decode())
    assert caught.value.where == "image"
    assert f"{len(data)} bytes that start with {data[:8].hex(' ')}" in caught.value.found
    assert "JPEG" in caught.value.allowed


@pytest.mark.parametrize("text", ["data:image/png;base64,", "data:nothing"])
def test_a_data_url_without_data_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        decode(text)
    assert caught.value.where == "image"


def test_the_message_tells_an_empty_file_other_files_and_damaged_images_apart() -> None:
    for data, what in (
        (b"", "is empty"),
        (b"a text file", "is not an image file of a known format"),
        (b"\x89PNG\r\n\x1a\n", "is truncated"),
        (b"BM" + bytes(60), "cannot be decoded"),
    ):
        with pytest.raises(BadRequest) as caught:
            pixels(data)
        assert caught.value.what.startswith(what)
        assert "JPEG" in caught.value.allowed


@pytest.mark.parametrize("dtype", ["int16", "uint32", "int8"])
def test_tiff_of_other_integers_is_refused(dtype: str) -> None:
    with pytest.raises(BadRequest) as caught:
        pixels(tiff(DEEP[:, :, 0].astype(dtype), photometric="minisblack"))
    assert "8 or 16 bits" in caught.value.what


def test_a_small_file_of_a_huge_image_is_refused() -> None:
    # In a process of its own: OpenCV reads its limit once, and another import of it may have come
    # before this package's.
    script = """
import struct, sys, zlib
from runtimes.errors import BadImage, BadRequest
from runtimes.image import pixels

def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

header = struct.pack(">IIBBBBB", 16385, 16384, 8, 0, 0, 0, 0)
data = b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))
try:
    pixels(data + chunk(b"IEND", b""))
except BadRequest as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.startswith("image: OpenCV cannot decode the image")
    # The message names the limit, and how to change it.
    assert "allowed: 268435456 pixels" in done.stdout
    assert 'env: {OPENCV_IO_MAX_IMAGE_PIXELS: "1073741824"}' in done.stdout


def by_cvat(samples: Array) -> Array:
    """Gray of 16 bits as CVAT converts it, without the equalization: plain loops, (H, W) uint8."""
    rows = samples.tolist()
    low, high = min(map(min, rows)), max(map(max, rows))
    return np.array([[(value - low) * 255 // (high - low) for value in row] for row in rows])


@pytest.mark.parametrize("form", ["tiff", "png"])
@pytest.mark.parametrize(
    "samples",
    [GRAY * 16, GRAY * 4, GRAY + 7000, GRAY * 60 + 29000, (GRAY * 134).clip(0, 2**15 - 1)],
    ids=["12 bits", "10 bits", "offset", "around half", "15 bits"],
)
def test_gray_images_of_fewer_than_16_bits_are_stretched_as_cvat_shows_them(
    form: str, samples: Array
) -> None:
    data = tiff(samples, photometric="minisblack") if form == "tiff" else png16(samples[..., None])
    check(data, np.repeat(by_cvat(samples)[..., None], 3, axis=2))


@pytest.mark.parametrize("form", ["tiff", "png"])
@pytest.mark.parametrize("bits", [9, 10, 12, 14, 15])
def test_color_images_of_fewer_than_16_bits_are_stretched_by_their_maximum(
    form: str, bits: int
) -> None:
    samples = (COLOR.astype(np.uint16) << (bits - 8)) | 1
    data = tiff(samples, photometric="rgb") if form == "tiff" else png16(samples)
    check(data, (samples.astype(int) * 255 // int(samples.max())))
    # All channels are stretched alike, so that colors keep their hue.
    check(data, COLOR, 255 * 2 // int(COLOR.max()) + 1)


@pytest.mark.parametrize("value", [0, 1, 4080, 65535])
def test_an_image_of_one_value_has_its_upper_8_bits(value: int) -> None:
    samples = np.full((4, 5), value, np.uint16)
    check(tiff(samples, photometric="minisblack"), np.full((4, 5, 3), value >> 8))


def test_alpha_is_not_part_of_the_range() -> None:
    samples = np.dstack([COLOR.astype(np.uint16) << 4, np.full((HEIGHT, WIDTH), 65535, np.uint16)])
    rgb = samples[..., :3].astype(int) * 255 // int(samples[..., :3].max())
    check(png16(samples), rgb)
    check(tiff(samples, photometric="rgb", extrasamples=["unassalpha"]), rgb)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("gray", [True, False])
@pytest.mark.parametrize("scale", [1, 1 / 255])
def test_floating_point_values_up_to_255_or_1_are_kept(
    dtype: str, gray: bool, scale: float
) -> None:
    samples = (COLOR * scale).astype(dtype)
    if gray:
        data = tiff(samples[..., 0], photometric="minisblack")
        check(data, COLOR[..., [0, 0, 0]])
    else:
        check(tiff(samples, photometric="rgb"), COLOR)


def test_floating_point_values_are_rounded_down_as_pillow_does() -> None:
    samples = (COLOR[..., 0] + 0.75).clip(0, 255).astype(np.float32)
    data = tiff(samples, photometric="minisblack")
    check(data, by_pillow(data))


@pytest.mark.parametrize("samples", [GRAY * 300.0 - 20_000, GRAY / 100 - 1, GRAY * 1e6])
def test_floating_point_values_beyond_255_are_stretched(samples: Array) -> None:
    data = tiff(samples.astype(np.float32), photometric="minisblack")
    wanted = (GRAY * 255 // int(GRAY.max()))[..., None]
    check(data, np.repeat(wanted, 3, axis=2), 1)


def test_values_that_are_not_finite_are_no_part_of_the_range() -> None:
    samples = COLOR[..., 0].astype(np.float32)
    samples[0, :3] = np.nan, np.inf, -np.inf
    wanted = COLOR[..., [0, 0, 0]].copy()
    wanted[0, :3] = np.array([0, 255, 0])[:, None]
    check(tiff(samples, photometric="minisblack"), wanted)
    check(tiff(np.full((4, 5), np.nan, np.float32), photometric="minisblack"), np.zeros((4, 5, 3)))
