import base64
import json
from contextlib import suppress
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.arrays import Array
from runtimes.errors import BadRequest
from runtimes.state import MAX_BYTES, VERSION, State
from runtimes.stretch import Stretch
from runtimes.tracked import Tracked

TYPES = ("rectangle", "polygon", "mask")
BOX = {"type": "rectangle", "points": [10.5, 20.0, 60.0, 90.0]}


def crop(side: int = 128) -> Array:
    """Noise, which compresses worst."""
    return np.random.default_rng(0).integers(0, 256, (side, side, 3)).astype(np.uint8)


def smooth(side: int = 128) -> Array:
    return np.asarray(cv2.GaussianBlur(crop(side), (0, 0), 4))


def made(
    template: Array | None = None, shape: object = BOX, stretch: Stretch | None = None
) -> dict[str, Any]:
    """A state after a round trip through JSON."""
    image = smooth() if template is None else template
    state = State.start(
        Tracked.of(shape, "", TYPES), image, stretch, "digest", MAX_BYTES, "shapes[0]"
    )
    return dict(json.loads(json.dumps(state.as_json("digest"))))


def read(value: object) -> State:
    return State.of(value, "digest", MAX_BYTES, TYPES, "states[2]")


def webp(image: Array, quality: int = 101) -> str:
    _, data = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, quality])
    return base64.b64encode(data.tobytes()).decode()


@pytest.mark.parametrize(
    "shape",
    [
        [10.0, 20.0, 60.0, 90.0],
        BOX,
        {"type": "polygon", "points": [10.0, 20.0, 60.5, 30.0, 40.0, 90.0]},
        {"type": "mask", "points": [1, 3, 2, 1, 2, 5, 6, 7, 8]},
    ],
)
def test_a_state_survives_a_round_trip(shape: Any) -> None:
    state = read(made(shape=shape))
    assert state.shape.as_sent() == shape
    assert state.box.tolist() == state.shape.box.tolist()
    assert state.lost is False
    assert state.stretch is None
    np.testing.assert_array_equal(state.crop(128, "states[2]"), smooth())


@pytest.mark.parametrize("stretch", [Stretch(0, 4080), Stretch(-0.25, 1e5), None])
def test_a_state_keeps_the_stretch_of_the_first_frame(stretch: Stretch | None) -> None:
    assert read(made(stretch=stretch)).stretch == stretch


def test_a_state_stays_within_its_limit_for_any_template() -> None:
    for image in (smooth(), crop(), crop(192), smooth(256)):
        value = made(image)
        assert len(json.dumps(value, separators=(",", ":"))) <= MAX_BYTES
        kept = read(value).crop(image.shape[0], "states[2]")
        assert kept.shape == image.shape
        # Where it has to lose something, it is still the same picture.
        middle = cv2.blur(kept, (9, 9)).astype(int) - cv2.blur(image, (9, 9))
        assert np.abs(middle).mean() < 6


def test_a_shape_with_too_many_points_is_refused_with_its_size() -> None:
    turn = np.linspace(0, 2 * np.pi, 6000, endpoint=False)
    ring = (100 + 50 * np.stack([np.cos(turn), np.sin(turn)], axis=1)).ravel().tolist()
    with pytest.raises(BadRequest) as caught:
        made(shape={"type": "polygon", "points": ring})
    assert (caught.value.where, caught.value.allowed) == ("shapes[0]", "65536 bytes")
    assert caught.value.found == "12000 numbers"
    # As JSON, the numbers alone take this many bytes; the template of 128x128 takes a few thousand.
    bare = len(json.dumps(ring, separators=(",", ":")))
    size = int(caught.value.what.split("would take ")[1].split()[0])
    assert "too many points" in caught.value.what
    assert bare + 500 < size < bare + 20_000
    # With so many bytes it is accepted, with one less it is not.
    drawn = Tracked.of({"type": "polygon", "points": ring}, "", TYPES)
    state = State.start(drawn, smooth(), None, "digest", size, "shapes[0]")
    assert len(json.dumps(state.as_json("digest"), separators=(",", ":"))) <= size
    with pytest.raises(BadRequest):
        State.start(drawn, smooth(), None, "digest", size - 1, "shapes[0]")


def changed(**fields: object) -> dict[str, Any]:
    return {**made(), **fields}


BAD: dict[str, tuple[object, str]] = {
    "text": ("a state", "states[2]"),
    "list": ([1, 2], "states[2]"),
    "number": (5, "states[2]"),
    "truth": (True, "states[2]"),
    "nothing": ({}, "states[2]"),
    "one key less": ({k: v for k, v in made().items() if k != "box"}, "states[2]"),
    "one key more": (changed(pickle="gASV"), "states[2]"),
    "older version": (changed(version=VERSION - 1), "states[2].version"),
    "newer version": (changed(version=VERSION + 1), "states[2].version"),
    "version as truth": (changed(version=True), "states[2].version"),
    "version as text": (changed(version="1"), "states[2].version"),
    "other model": (changed(model="another"), "states[2].model"),
    "model as a list": (changed(model=["digest"]), "states[2].model"),
    "box of nan": (changed(box=[0, 0, float("nan"), 9]), "states[2].box"),
    "box of infinity": (changed(box=[0, 0, float("inf"), 9]), "states[2].box"),
    "box of text": (changed(box=["0", 0, 9, 9]), "states[2].box"),
    "box of truth": (changed(box=[True, 0, 9, 9]), "states[2].box"),
    "box of three": (changed(box=[0, 0, 9]), "states[2].box"),
    "box as an object": (changed(box={"x": 1}), "states[2].box"),
    "box without area": (changed(box=[4, 4, 4, 9]), "states[2].box"),
    "box far away": (changed(box=[0, 0, 9, 1e7]), "states[2].box"),
    "huge whole number": (changed(box=[0, 0, 9, 10**400]), "states[2]"),
    "stretch as a number": (changed(stretch=255), "states[2].stretch"),
    "stretch of one number": (changed(stretch=[0]), "states[2].stretch"),
    "stretch of text": (changed(stretch=["0", 1]), "states[2].stretch"),
    "stretch of truth": (changed(stretch=[False, True]), "states[2].stretch"),
    "stretch of infinity": (changed(stretch=[0, float("inf")]), "states[2].stretch"),
    "stretch without range": (changed(stretch=[7, 7]), "states[2].stretch"),
    "turned stretch": (changed(stretch=[9, 3]), "states[2].stretch"),
    "stretch beyond any number": (changed(stretch=[-1e308, 1e308]), "states[2].stretch"),
    "lost as a number": (changed(lost=0), "states[2].lost"),
    "lost as null": (changed(lost=None), "states[2].lost"),
    "template as a number": (changed(template=5), "states[2].template"),
    "template as a list": (changed(template=[1, 2]), "states[2].template"),
    "shape of another type": (changed(shape={"type": "points", "points": [1, 2]}),
                              "states[2].shape"),
    "shape as null": (changed(shape=None), "states[2].shape"),
    "shape of nan": (changed(shape=[float("nan")] * 4), "states[2].shape"),
    "too large": (changed(template="A" * 70_000), "states[2]"),
    "too many points": (changed(shape={"type": "polygon", "points": [1.5] * 40_000}), "states[2]"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_an_invalid_state_is_refused(name: str) -> None:
    value, where = BAD[name]
    with pytest.raises(BadRequest) as caught:
        read(value)
    assert caught.value.where == where


def head(kind: bytes, size: int) -> str:
    """The header of a WebP file of `size` pixels per side, without data."""
    if kind == b"VP8L":
        body = b"\x2f" + ((size - 1) | (size - 1) << 14).to_bytes(4, "little")
    else:
        body = b"\x10\x00\x00\x9d\x01\x2a" + size.to_bytes(2, "little") * 2
    chunk = kind + len(body).to_bytes(4, "little") + body + bytes(20)
    return base64.b64encode(b"RIFF" + len(chunk).to_bytes(4, "little") + b"WEBP" + chunk).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not base64!",
        base64.b64encode(b"hello").decode(),
        webp(smooth(64)),
        webp(smooth(64), 80),
        made()["template"][: len(made()["template"]) // 2],
        made()["template"][:-400],
        base64.b64encode(b"RIFF" + bytes(40)).decode(),
        base64.b64encode(cv2.imencode(".png", smooth())[1].tobytes()).decode(),
        head(b"VP8L", 16383),
        head(b"VP8 ", 16383),
        head(b"VP8L", 128),
        head(b"VP8 ", 128),
    ],
)
def test_a_template_of_another_size_is_refused(text: str) -> None:
    state = read(changed(template=text))
    with pytest.raises(BadRequest) as caught:
        state.crop(128, "states[2]")
    assert caught.value.where == "states[2].template"


def simple(kind: bytes, body: bytes, magic: bytes = b"RIFF") -> str:
    """The start of a WebP file with one chunk."""
    size = len(body).to_bytes(4, "little")
    return base64.b64encode(magic + bytes(4) + b"WEBP" + kind + size + body).decode()


# Lossless: 0x2F, then 14 bits of width - 1 and 14 bits of height - 1. Lossy: three bytes, a start
# code, then 14 bits of width, 2 of scaling, and likewise for the height (RFC 9649 and RFC 6386).
LOSSLESS = b"\x2f" + (299 | 199 << 14 | 1 << 28).to_bytes(4, "little") + bytes(8)
LOSSY = b"\x10\0\0\x9d\x01\x2a" + (300 | 1 << 14).to_bytes(2, "little") + b"\xc8\x80" + bytes(8)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (simple(b"VP8L", LOSSLESS), ", 300x200 pixels"),
        (simple(b"VP8 ", LOSSY), ", 300x200 pixels"),
        # Too short for a header, another magic number, another start code, another chunk.
        (simple(b"VP8L", LOSSLESS[:9]), ""),
        (simple(b"VP8L", LOSSLESS, b"RIFX"), ""),
        (simple(b"VP8L", b"\x2e" + LOSSLESS[1:]), ""),
        (simple(b"VP8L", b"\x30" + LOSSLESS[1:]), ""),
        (simple(b"VP8 ", LOSSY[:3] + b"\x9d\x01\x29" + LOSSY[6:]), ""),
        (simple(b"VP8 ", LOSSY[:3] + b"\x9d\x01\x2b" + LOSSY[6:]), ""),
        (simple(b"VP8X", LOSSY), ""),
        (simple(b"VP8X", LOSSLESS), ""),
    ],
)
def test_the_size_in_the_header_of_a_refused_template_is_named(text: str, size: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(changed(template=text)).crop(128, "states[2]")
    assert caught.value.found == f"{len(base64.b64decode(text))} bytes{size}"


@pytest.mark.parametrize("letter", ["!", "\n", " ", "-"])
def test_a_template_with_letters_beside_base64_is_refused(letter: str) -> None:
    text = made()["template"]
    state = read(changed(template=text[:8] + letter + text[8:]))
    with pytest.raises(BadRequest, match="is not base64"):
        state.crop(128, "states[2]")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(
    key=st.sampled_from(["version", "model", "shape", "box", "stretch", "lost", "template"]),
    value=json_values,
)
def test_any_value_at_any_key_is_accepted_or_refused(key: str, value: object) -> None:
    with suppress(BadRequest):
        read(changed(**{key: value})).crop(128, "")


def test_a_box_is_kept_to_a_thousandth_of_a_pixel() -> None:
    state = State(Tracked.of(BOX, "", TYPES), np.array([10.00049, 20.0, 60.12352, 90.5]), "")
    assert state.as_json("digest")["box"] == [10.0, 20.0, 60.124, 90.5]


@pytest.mark.parametrize("digest", ["d" * length for length in range(1, 130, 9)])
def test_a_template_is_compressed_further_only_above_the_limit(digest: str) -> None:
    drawn = Tracked.of(BOX, "", TYPES)

    def started(limit: int) -> tuple[str, int]:
        state = State.start(drawn, smooth(), None, digest, limit, "shapes[0]")
        return state.template, len(json.dumps(state.as_json(digest), separators=(",", ":")))

    best, size = started(MAX_BYTES)
    assert started(size) == (best, size)
    for less in (1, 17, 100):
        worse, smaller = started(size - less)
        assert worse != best
        assert smaller <= size - less


@pytest.mark.parametrize(
    "value",
    [
        "x" * 200,
        {letter * 9: 1 for letter in "abcdefghijklmnop"},
        changed(version="x" * 200),
        changed(box="x" * 200),
        changed(box=[4, 4, 4, *["x" * 200]]),
        changed(stretch="x" * 200),
        changed(lost="x" * 200),
    ],
)
def test_long_values_are_quoted_by_80_characters(value: object) -> None:
    with pytest.raises(BadRequest) as caught:
        read(value)
    assert len(caught.value.found) == 80
