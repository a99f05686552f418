"""What CVAT's server and web page accept from a tracker, as rules that judge a reply."""

from collections.abc import Iterator

from builder.run.judge.values import is_whole, kind_of, number_list_fault


def judge(reply: object, objects: int, types: tuple[str, ...] | None, *, older: bool) -> list[str]:
    """All that is wrong with a tracker's reply.

    Args:
        reply: the decoded JSON.
        objects: how many shapes or states the request had.
        types: the `supported_shape_types` that the request's shapes were declared by; None where it
            was one of bare lists.
        older: whether the request gave both lists, as CVAT up to 2.15 does, which knows no null.

    Returns:
        One sentence a fault, with its place; nothing when CVAT can use the reply.
    """
    if not isinstance(reply, dict):
        return [f"the reply is {kind_of(reply)}, not an object with shapes and states"]
    faults = []
    for key in ("shapes", "states"):
        items = reply.get(key)
        if not isinstance(items, list):
            faults.append(f".{key}: {'is missing' if items is None else 'is not a list'}")
        elif len(items) != objects:
            faults.append(f".{key}: has {len(items)} entries for {objects} objects")
        elif key == "states":
            faults += [
                f".states[{place}]: is null; CVAT would send the object without any shape next"
                for place, state in enumerate(items)
                if state is None
            ]
        else:
            faults += [
                f".shapes[{place}]{fault}"
                for place, shape in enumerate(items)
                for fault in _shape_faults(shape, types, older)
            ]
    return faults


def _shape_faults(shape: object, types: tuple[str, ...] | None, older: bool) -> Iterator[str]:
    """The faults of one shape."""
    if shape is None:
        if older:
            yield ": is null, which the page of this CVAT cannot read"
        return
    if types is None:
        fault = number_list_fault(shape)
        if fault:
            yield f": {fault}"
        else:
            yield from _points_faults("rectangle", shape)
        return
    if not isinstance(shape, dict):
        yield f": is {kind_of(shape)}, not an object with type and points"
        return
    kind, points = shape.get("type"), shape.get("points")
    if kind not in types:
        yield f".type: {kind!r} is none of {', '.join(types)}"
        return
    fault = number_list_fault(points)
    if fault:
        yield f".points: {fault}"
        return
    yield from (f".points{it}" for it in _points_faults(str(kind), points))


def _points_faults(kind: str, points: object) -> Iterator[str]:
    """The faults of a shape's numbers."""
    assert isinstance(points, list)
    if kind == "rectangle":
        if len(points) != 4:
            yield f": a rectangle has 4 numbers, not {len(points)}"
        elif not (points[0] < points[2] and points[1] < points[3]):
            yield f": {points} are not left, top, right, bottom of a rectangle"
    elif kind == "polygon":
        if len(points) % 2 or len(points) < 6:
            yield f": {len(points)} numbers are no three or more pairs of x and y"
    else:
        *runs, left, top, right, bottom = points if len(points) > 4 else [0, 0, 0, 0, 0]
        if not all(is_whole(it) and it >= 0 for it in points):
            yield ": run lengths and box of a mask are whole numbers from 0 on"
        elif len(runs) < 2:
            yield ": is an empty mask"
        elif sum(runs) != (right - left + 1) * (bottom - top + 1):
            yield (
                f": runs of {sum(runs)} pixels do not fill the box {[left, top, right, bottom]}, "
                "inclusive"
            )
