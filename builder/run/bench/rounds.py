"""The requests of a benchmark, for each function type."""

import base64
from collections.abc import Callable, Iterator

from builder.diagnostics.errors import BuiltError
from builder.diagnostics.problem import Problem
from builder.run.bench.pictures import Picture
from builder.run.function import Function, Reply
from builder.run.predict import interactor, reid, tracker
from builder.run.predict.prediction import Prompts

Round = Iterator[tuple[str, Reply]]
"""The kind and the reply of each request of a round."""

MIXES = frozenset({"detector", "interactor"})
"""The function types whose models take whole images. Trackers and ReID take crops of one size."""


def round_of(function: Function, picture: Picture, prompts: Prompts, number: int) -> Round:
    """Send each kind of request once for an image, and yield the replies.

    Args:
        function: the function.
        picture: the image.
        prompts: the options of the command line; a missing prompt is replaced by a usual one.
        number: the number of the round, which must differ from those of earlier rounds.

    Raises:
        CommandLineError: the file with bounding boxes cannot be read.
        BuiltError: the function gives no response, or one with an error status.
    """
    for kind, reply in _ROUNDS[function.type](function, picture, prompts, number):
        if reply.status != 200:
            raise BuiltError(
                Problem(
                    f"{picture.name}: HTTP {reply.status}: {reply.body['error']}",
                    hint="try the request with `cvatbuild predict`",
                )
            )
        yield kind, reply


def _detector(function: Function, picture: Picture, prompts: Prompts, number: int) -> Round:
    """One request."""
    yield "request", function(picture.data, **prompts.request())


def _interactor(function: Function, picture: Picture, prompts: Prompts, number: int) -> Round:
    """Two requests with the same prompts; the second one finds the image's embedding."""
    if not prompts.pos and not prompts.box:
        prompts = _usual(function, picture, prompts)
    # The function looks embeddings up by the text of the image. Without a different text, the
    # first click of the second round would find the embedding of the first round.
    text = f"data:{number},{base64.b64encode(picture.data).decode()}"
    request = {"image": text, **interactor.request_of(prompts)}
    yield "first click", function.send(request, "application/json")
    yield "further click", function.send(request, "application/json")


def _usual(function: Function, picture: Picture, prompts: Prompts) -> Prompts:
    """Return as many points as the function requires, at least one, and a box if it takes one."""
    width, height = picture.width, picture.height
    count = max(1, int(function.annotations["min_pos_points"]))
    parts = [(number + 1) / (count + 1) for number in range(count)]
    points = tuple((width * part, height * part) for part in parts)
    box = ((width / 4, height / 4, width * 3 / 4, height * 3 / 4),)
    boxes = box if "startswith_box" in function.annotations else ()
    return Prompts(prompts.threshold, points, prompts.neg, boxes)


def _tracker(function: Function, picture: Picture, prompts: Prompts, number: int) -> Round:
    """Two frames: the first one with the drawn shapes, the next one with their states."""
    width, height = picture.width, picture.height
    middle = (width * 3 / 8, height * 3 / 8, width * 5 / 8, height * 5 / 8)
    shape_type = tracker.types_of(function)[0]
    shapes = [tracker.shape_of(box, shape_type) for box in prompts.box or (middle,)]
    reply = function(picture.data, shapes=shapes, states=[], **prompts.request())
    yield "first frame", reply
    sent = {"shapes": [None] * len(shapes), "states": reply.body["states"]}
    yield "next frame", function(picture.data, **sent, **prompts.request())


def _reid(function: Function, picture: Picture, prompts: Prompts, number: int) -> Round:
    """One request, with the image as both frames; without boxes, with eight of them in a grid."""
    wide, high = picture.width / 4, picture.height / 2
    grid = [[x * wide, y * high, (x + 1) * wide, (y + 1) * high] for y in (0, 1) for x in range(4)]
    boxes = (grid, grid) if prompts.boxes is None else reid.read_boxes(prompts.boxes)
    request = {**reid.request_of(picture.data, picture.data, *boxes), **prompts.request()}
    yield "request", function.send(request, "application/json")


_ROUNDS: dict[str, Callable[[Function, Picture, Prompts, int], Round]] = {
    "detector": _detector,
    "interactor": _interactor,
    "tracker": _tracker,
    "reid": _reid,
}
"""Function type -> its round."""
