"""Check a tracker's reply against what CVAT's server and web page accept."""

from collections.abc import Iterator, Sequence

from builder.run.judge.values import is_whole, json_type, number_list_fault


def judge(reply: object, objects: Sequence[str], *, declared: bool = True) -> list[str]:
    """Return the faults of a tracker's reply.

    Args:
        reply: the decoded JSON.
        objects: the shape type of each object in the request.
        declared: whether the request had shapes as objects with `type` and `points`, not as bare
            lists of numbers.

    Returns:
        One message per fault, with its place in the reply; empty if CVAT accepts the reply.
    """
    if not isinstance(reply, dict):
        return [f"the reply is {json_type(reply)}, not an object with shapes and states"]
    faults = []
    for key in ("shapes", "states"):
        items = reply.get(key)
        if not isinstance(items, list):
            faults.append(f".{key}: {'is missing' if items is None else 'is not a list'}")
        elif len(items) != len(objects):
            faults.append(f".{key}: has {len(items)} entries for {len(objects)} objects")
        elif key == "states":
            faults += [
                f".states[{place}]: is null; CVAT's next request would not contain the object"
                for place, state in enumerate(items)
                if state is None
            ]
        else:
            faults += [
                f".shapes[{place}]{fault}"
                for place, (shape, tracked) in enumerate(zip(items, objects, strict=True))
                for fault in _shape_faults(shape, tracked, declared)
            ]
    return faults


def _shape_faults(shape: object, tracked: str, declared: bool) -> Iterator[str]:
    """Yield the faults of the shape of an object whose shape type is `tracked`."""
    if shape is None:
        # The page tracks rectangles only. The server accepts null for the other types.
        if tracked == "rectangle":
            yield (
                ": is null, which CVAT's page cannot read; a lost rectangle must keep its last box"
            )
        return
    if not declared:
        fault = number_list_fault(shape)
        if fault:
            yield f": {fault}"
        else:
            yield from _points_faults("rectangle", shape)
        return
    if not isinstance(shape, dict):
        yield f": is {json_type(shape)}, not an object with type and points"
        return
    shape_type, points = shape.get("type"), shape.get("points")
    if shape_type != tracked:
        yield f".type: {shape_type!r} is not {tracked}, the type of the object"
        return
    fault = number_list_fault(points)
    if fault:
        yield f".points: {fault}"
        return
    yield from (f".points{it}" for it in _points_faults(str(shape_type), points))


def _points_faults(shape_type: str, points: object) -> Iterator[str]:
    """Yield the faults of a shape's numbers."""
    assert isinstance(points, list)
    if shape_type == "rectangle":
        if len(points) != 4:
            yield f": a rectangle has 4 numbers, not {len(points)}"
        elif not (points[0] < points[2] and points[1] < points[3]):
            yield f": {points} are not left, top, right, bottom of a rectangle"
    elif shape_type == "polygon":
        if len(points) % 2 or len(points) < 6:
            yield f": {len(points)} numbers are not three or more pairs of x and y"
    else:
        *runs, left, top, right, bottom = points if len(points) > 4 else [0, 0, 0, 0, 0]
        if not all(is_whole(it) and it >= 0 for it in points):
            yield ": the run lengths and the box of a mask must be whole numbers from 0"
        elif len(runs) < 2:
            yield ": is an empty mask"
        elif sum(runs) != (right - left + 1) * (bottom - top + 1):
            yield (
                f": runs of {sum(runs)} pixels do not fill the box {[left, top, right, bottom]}, "
                "inclusive"
            )
