"""Check an interactor's reply against what CVAT's web page accepts.

CVAT's server passes the reply on unchanged (cvat-ui, tools-control.tsx; cvat-core,
lambda-manager.ts).
"""

from collections.abc import Iterator

from builder.run.judge.values import is_whole, json_type
from runtimes import rle
from runtimes.arrays import Size
from runtimes.numbers import is_number


def judge(reply: object, size: Size) -> list[str]:
    """Return the faults of an interactor's reply, in either of its two forms.

    Args:
        reply: the decoded JSON.
        size: height and width of the image.

    Returns:
        One message per fault, with its place in the reply; empty if CVAT accepts the reply.
    """
    if not isinstance(reply, dict):
        return [f"the reply is {json_type(reply)}, not an object with `shapes` or `mask`"]
    if "mask" in reply and "shapes" in reply:
        return ["the reply has both `mask` and `shapes`; newer CVAT versions ignore the shapes"]
    if "mask" in reply:
        return [*_full_mask(reply["mask"], size), *_ring(reply.get("points", []))]
    shapes = reply.get("shapes")
    if not isinstance(shapes, list):
        fault = "is missing" if shapes is None else f"is {json_type(shapes)}, not a list"
        return [f"shapes: {fault}"]
    return [
        f"shapes[{place}]{fault}"
        for place, shape in enumerate(shapes)
        for fault in _shape(shape, size)
    ]


def _full_mask(mask: object, size: Size) -> Iterator[str]:
    """Yield the faults of a mask of the older form: one list of pixels per row of the image."""
    if not isinstance(mask, list) or not all(isinstance(row, list) for row in mask):
        yield f"mask: is {json_type(mask)}, not a list of rows"
        return
    height, width = size
    widths = {len(row) for row in mask}
    if len(mask) != height or widths != {width}:
        listed = " or ".join(map(str, sorted(widths)))
        yield f"mask: is {len(mask)} rows of {listed} pixels; the image has {height} of {width}"
    # One pass over millions of pixels. Types are compared, since 1 and True are equal in a set.
    types = {type(value) for row in mask for value in row}
    values = {value for row in mask for value in row} if types <= {int} else set()
    if not types <= {int} or not values <= {0, 1}:
        yield "mask: has pixels that are neither 0 nor 1"


def _ring(points: object) -> Iterator[str]:
    """Yield the faults of the polygon beside a mask."""
    good = isinstance(points, list) and all(
        isinstance(point, list) and len(point) == 2 and all(map(is_number, point))
        for point in points
    )
    if not good:
        yield "points: is not a list of [x, y]"


def _shape(shape: object, size: Size) -> Iterator[str]:
    """Yield the faults of a shape of the newer form."""
    if not isinstance(shape, dict):
        yield f": is {json_type(shape)}, not an object"
        return
    if shape.get("type") != "mask":
        yield f".type: is {shape.get('type')!r}; CVAT drops every type except 'mask'"
    yield from (f".points: {fault}" for fault in _run_lengths(shape.get("points"), size))
    attributes = shape.get("attributes", [])
    if not isinstance(attributes, list):
        yield f".attributes: is {json_type(attributes)}, not a list"
        return
    for place, attribute in enumerate(attributes):
        yield from (f".attributes[{place}]{fault}" for fault in _attribute(attribute))


def _run_lengths(points: object, size: Size) -> Iterator[str]:
    """Yield the faults of run lengths followed by a box."""
    if not isinstance(points, list) or not all(map(is_whole, points)):
        yield "is not a list of whole numbers"
        return
    if len(points) < 6:
        yield "has fewer than 6 numbers: an empty mask, which CVAT rejects"
        return
    left, top, right, bottom = points[-4:]
    if not (0 <= left <= right < size[1] and 0 <= top <= bottom < size[0]):
        yield f"the box {points[-4:]} is not inside an image of {size[1]}x{size[0]}"
        return
    try:
        rle.decode(points)
    except ValueError as error:
        yield str(error)


def _attribute(attribute: object) -> Iterator[str]:
    """Yield the faults of an attribute. CVAT drops all attributes of a shape if one has a fault."""
    if not isinstance(attribute, dict):
        yield f": is {json_type(attribute)}, not an object"
        return
    if not is_whole(attribute.get("spec_id")):
        yield f".spec_id: {attribute.get('spec_id')!r} is not a whole number"
    value = attribute.get("value")
    if not isinstance(value, str):
        yield f".value: is {json_type(value)}, not text"
        return
    if attribute.get("spec_id") == 0 and not _is_score(value):
        yield f".value: {value!r} is not a score from 0 to 1"


def _is_score(text: str) -> bool:
    """Return whether a text is a number from 0 to 1."""
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False
