"""The state of a tracked object between two frames.

The state passes through CVAT's server and page, and CVAT 2.15 does not protect it. It is plain JSON
and is validated like any other part of a request. It is complete, so that any worker can continue
with it:

    {"version": 2,
     "model": digest of the model files,
     "shape": the shape of the first frame, in the form of the request,
     "box": [x1, y1, x2, y2] of the object in the last frame where it was found,
     "stretch": [low, high], the values of the first frame that become 0 and 255 in 8 bits; null for
         a first frame with 8 bits,
     "lost": whether the object was not found in the last frame,
     "template": the template crop, base64 of a WebP file}

WebP has the smallest lossless files, and its size in pixels is in the first bytes, which can be
read without decoding (WebP Container Specification; RFC 6386, 9.1; RFC 9649, 3).
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import orjson

from runtimes.arrays import Array, Size
from runtimes.errors import BadRequest
from runtimes.numbers import is_number
from runtimes.stretch import Stretch
from runtimes.tracked import Tracked, box_of, coordinate

VERSION = 2
MAX_BYTES = 65536
"""Default maximum size of one object's state as JSON, in bytes."""

_KEYS = ("version", "model", "shape", "box", "stretch", "lost", "template")
_QUALITIES = (101, 95, 85, 70, 50)
"""WebP qualities, tried in this order until the state is small enough; above 100 is lossless."""
_HINT = "start the track again from a drawn shape"


@dataclass(frozen=True, slots=True)
class State:
    """The state of one object.

    Attributes:
        shape: the shape of the first frame.
        box: (4,) x1 y1 x2 y2 in the last frame where it was found, image pixels.
        template: the template crop, base64 of a WebP file.
        stretch: the stretch of the first frame's values to 8 bits, which all frames of the track
            use, so that a bright object in one frame does not darken the others; None for 8 bits.
        lost: whether the object was not found in the last frame. A reply repeats the last box of a
            lost rectangle, so that only the state tells that it is lost.
    """

    shape: Tracked
    box: Array
    template: str
    stretch: Stretch | None = None
    lost: bool = False

    def as_json(self, digest: str) -> dict[str, Any]:
        """Return the state as plain JSON, for the models with this digest."""
        return {
            "version": VERSION,
            "model": digest,
            "shape": self.shape.as_sent(),
            "box": self.box.round(3).tolist(),
            "stretch": None if self.stretch is None else [self.stretch.low, self.stretch.high],
            "lost": self.lost,
            "template": self.template,
        }

    @classmethod
    def start(
        cls,
        shape: Tracked,
        crop: Array,
        stretch: Stretch | None,
        digest: str,
        limit: int,
        where: str,
    ) -> "State":
        """Return the state of a new object.

        Args:
            shape: the drawn shape.
            crop: (side, side, 3) uint8 BGR, the template.
            stretch: of the frame; see State.
            digest: of the model files.
            limit: the maximum size of the state as JSON, in bytes.
            where: the shape's key in the request, for messages.

        Raises:
            BadRequest: the shape is too large for the limit.
        """
        bare = _size(cls(shape, shape.box, "", stretch).as_json(digest))
        for quality in _QUALITIES:
            _, file = cv2.imencode(".webp", crop, [cv2.IMWRITE_WEBP_QUALITY, quality])
            text = b64encode(file.tobytes()).decode()
            if bare + len(text) <= limit:
                return cls(shape, shape.box, text, stretch)
        raise BadRequest(
            f"has too many points: its state would take {bare + len(text)} bytes",
            where=where,
            found=f"{len(shape.points)} numbers",
            allowed=f"{limit} bytes",
            hint="simplify the shape, or track a rectangle",
        )

    @classmethod
    def of(
        cls, value: object, digest: str, limit: int, allowed: tuple[str, ...], where: str
    ) -> "State":
        """Validate a state of a request.

        Args:
            value: the state as JSON.
            digest: of the model files.
            limit: the maximum size of the state as JSON, in bytes.
            allowed: the shape types of the function.
            where: the state's key in the request, for messages.

        Raises:
            BadRequest: it is not a state of this function.
        """
        if not isinstance(value, dict) or set(value) != set(_KEYS):
            found = ", ".join(map(str, value))[:80] if isinstance(value, dict) else repr(value)[:80]
            raise BadRequest(
                "is not a state of a tracker", where=where, found=found or "nothing", hint=_HINT
            )
        if type(value["version"]) is not int or value["version"] != VERSION:
            raise BadRequest(
                "has another version",
                where=f"{where}.version",
                found=repr(value["version"])[:80],
                allowed=str(VERSION),
                hint=_HINT,
            )
        if value["model"] != digest:
            raise BadRequest(
                "belongs to another model",
                where=f"{where}.model",
                found=repr(value["model"])[:80],
                allowed=digest,
                hint=_HINT,
            )
        size = _size(value, where)
        if size > limit:
            raise BadRequest(
                "is too large",
                where=where,
                found=f"{size} bytes",
                allowed=f"{limit} bytes",
            )
        box = value["box"]
        if not isinstance(box, list):
            raise BadRequest("must be x1, y1, x2, y2", where=f"{where}.box", found=repr(box)[:80])
        numbers = tuple(coordinate(it, f"{where}.box") for it in box)
        x1, y1, x2, y2 = box_of(numbers, f"{where}.box")
        if x1 == x2 or y1 == y2:
            raise BadRequest("has no area", where=f"{where}.box", found=repr(box)[:80])
        if not isinstance(value["lost"], bool):
            found = repr(value["lost"])[:80]
            raise BadRequest("must be true or false", where=f"{where}.lost", found=found)
        if not isinstance(value["template"], str):
            found = type(value["template"]).__name__
            raise BadRequest("must be base64", where=f"{where}.template", found=found)
        shape = Tracked.of(value["shape"], f"{where}.shape", allowed)
        stretch = _stretch(value["stretch"], f"{where}.stretch")
        return cls(shape, np.array([x1, y1, x2, y2]), value["template"], stretch, value["lost"])

    def crop(self, side: int, where: str) -> Array:
        """Decode the template crop, (side, side, 3) uint8 BGR.

        Raises:
            BadRequest: it is not a WebP image of that size.
        """
        place = f"{where}.template"
        try:
            data = b64decode(self.template, validate=True)
        except (Base64Error, ValueError) as error:
            raise BadRequest(f"is not base64 ({error})", where=place, hint=_HINT) from error
        declared = _declared_size(data)
        if declared == (side, side):
            crop = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            if crop is not None and crop.shape == (side, side, 3):
                return np.asarray(crop)
        raise BadRequest(
            "is not the template crop of this function",
            where=place,
            found=f"{len(data)} bytes"
            + (f", {declared[1]}x{declared[0]} pixels" if declared else ""),
            allowed=f"a WebP file of {side}x{side} pixels",
            hint=_HINT,
        )


def _stretch(value: object, where: str) -> Stretch | None:
    """Validate the stretch of a state.

    Raises:
        BadRequest: it is neither null nor two increasing numbers.
    """
    if value is None:
        return None
    if isinstance(value, list) and len(value) == 2 and all(map(is_number, value)):
        low, high = map(float, value)
        if low < high and np.isfinite(high - low):
            return Stretch(low, high)
    raise BadRequest("must be null or [low, high]", where=where, found=repr(value)[:80], hint=_HINT)


def _size(value: object, where: str = "") -> int:
    """Return the size of a value as JSON, in bytes.

    Raises:
        BadRequest: it is not JSON.
    """
    try:
        return len(orjson.dumps(value))
    except TypeError as error:  # such as an integer of more than 64 bits
        raise BadRequest(f"is not plain JSON ({error})", where=where, hint=_HINT) from error


def _declared_size(data: bytes) -> Size | None:
    """Return height and width in the header of a simple WebP file, or None for other data."""
    chunk = data[8:16]
    if data[:4] != b"RIFF" or len(data) < 30:
        return None
    if chunk == b"WEBPVP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    if chunk == b"WEBPVP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
        return height, width
    return None
