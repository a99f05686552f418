"""What CVAT's page accepts from an interactor, as rules that judge a reply.

Its server passes the reply on as it is (cvat-ui, tools-control.tsx; cvat-core, lambda-manager.ts).
"""

from collections.abc import Iterator

from builder.run.judge.values import is_whole, kind_of
from runtimes import rle
from runtimes.arrays import Size
from runtimes.numbers import is_number


def judge(reply: object, size: Size) -> list[str]:
    """All that is wrong with an interactor's reply, in either of its two forms.

    Args:
        reply: the decoded JSON.
        size: height and width of the image.

    Returns:
        One sentence a fault, with its place; nothing when CVAT can use the reply.
    """
    if not isinstance(reply, dict):
        return [f"the reply is {kind_of(reply)}, not an object with `shapes` or `mask`"]
    if "mask" in reply and "shapes" in reply:
        return ["the reply has both `mask` and `shapes`; newer versions would ignore the shapes"]
    if "mask" in reply:
        return [*_full_mask(reply["mask"], size), *_ring(reply.get("points", []))]
    if not isinstance(reply.get("shapes"), list):
        return [f"shapes: is {kind_of(reply.get('shapes'))}, not a list"]
    return [
        f"shapes[{place}]{fault}"
        for place, shape in enumerate(reply["shapes"])
        for fault in _shape(shape, size)
    ]


def _full_mask(mask: object, size: Size) -> Iterator[str]:
    """What is wrong with a mask of the older form: rows of the whole image."""
    if not isinstance(mask, list) or not all(isinstance(row, list) for row in mask):
        yield f"mask: is {kind_of(mask)}, not a list of rows"
        return
    height, width = size
    widths = {len(row) for row in mask}
    if len(mask) != height or widths != {width}:
        listed = " or ".join(map(str, sorted(widths)))
        yield f"mask: is {len(mask)} rows of {listed} pixels; the image has {height} of {width}"
    # One pass over millions of pixels; a set would take 1 and true for the same.
    kinds = {type(value) for row in mask for value in row}
    values = {value for row in mask for value in row} if kinds <= {int} else set()
    if not kinds <= {int} or not values <= {0, 1}:
        yield "mask: has pixels that are neither 0 nor 1"


def _ring(points: object) -> Iterator[str]:
    """What is wrong with the polygon beside a mask."""
    good = isinstance(points, list) and all(
        isinstance(point, list) and len(point) == 2 and all(map(is_number, point))
        for point in points
    )
    if not good:
        yield "points: is not a list of [x, y]"


def _shape(shape: object, size: Size) -> Iterator[str]:
    """What is wrong with a shape of the newer form."""
    if not isinstance(shape, dict):
        yield f": is {kind_of(shape)}, not an object"
        return
    if shape.get("type") != "mask":
        yield f".type: is {shape.get('type')!r}; CVAT drops all but 'mask'"
    yield from (f".points: {fault}" for fault in _run_lengths(shape.get("points"), size))
    attributes = shape.get("attributes", [])
    if not isinstance(attributes, list):
        yield f".attributes: is {kind_of(attributes)}, not a list"
        return
    for place, attribute in enumerate(attributes):
        yield from (f".attributes[{place}]{fault}" for fault in _attribute(attribute))


def _run_lengths(points: object, size: Size) -> Iterator[str]:
    """What is wrong with run lengths and a box."""
    if not isinstance(points, list) or not all(map(is_whole, points)):
        yield "is not a list of whole numbers"
        return
    if len(points) < 6:
        yield "has fewer than 6 numbers: an empty mask, which CVAT refuses"
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
    """What is wrong with an attribute; of one that is not as follows CVAT drops all."""
    if not isinstance(attribute, dict):
        yield f": is {kind_of(attribute)}, not an object"
        return
    if not is_whole(attribute.get("spec_id")):
        yield f".spec_id: {attribute.get('spec_id')!r} is no whole number"
    value = attribute.get("value")
    if not isinstance(value, str):
        yield f".value: is {kind_of(value)}, not text"
        return
    if attribute.get("spec_id") == 0 and not _is_score(value):
        yield f".value: {value!r} is no score from 0 to 1"


def _is_score(text: str) -> bool:
    """Whether a text is a number from 0 to 1."""
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False
