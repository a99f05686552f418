"""Trackers: functions that find shapes of one frame in the next frame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from runtimes import image
from runtimes.arrays import Array, Size, size_of
from runtimes.backends.session import Backend, Session, load
from runtimes.clock import Clock
from runtimes.errors import BadModel, BadRequest
from runtimes.frame import Frame
from runtimes.geometry import Geometry
from runtimes.interfaces import Tracking
from runtimes.numbers import number_of
from runtimes.state import MAX_BYTES, State
from runtimes.step import Preprocess
from runtimes.stretch import Stretch
from runtimes.tracked import Tracked
from runtimes.trackers.crops import Color, cut

MAX_OBJECTS = 1000
"""Maximum number of objects per request, which bounds its duration."""

_REMEMBERED = 256
"""Number of objects whose embedded templates are cached, 64 KiB each for the usual models."""

_LEAST_SIDE = 4.0
"""Minimum side of a box in pixels; a crop of a smaller one shows nothing."""


@dataclass(frozen=True, slots=True)
class Tracker:
    """A tracker's description; it is spelled out in model_handler.py.

    Attributes:
        model: the file of the model that compares two crops or their embeddings.
        encoder: the file of the model that embeds a crop, if there is one.
        digest: of the contents of both files; states of other models are rejected.
        shape_types: the types of shapes that CVAT may send.
        preprocess: the steps that turn a crop into the model's input; they do not move pixels.
        step: chooses the crops of a frame, and decodes the object's new box.
        max_state_bytes: the maximum size of one object's state as JSON.
    """

    model: str
    encoder: str | None
    digest: str
    shape_types: tuple[str, ...]
    preprocess: tuple[Preprocess, ...]
    step: Tracking
    max_state_bytes: int = MAX_BYTES

    def start(self, backend: Backend, folder: Path) -> "OpenTracker":
        """Load the models from `folder` and run them once on a blank image.

        Raises:
            BadModel: a file is missing, or its tensors are not those of the step.
            NoDevice: see Backend.open.
        """
        reads = self.step.tensors()
        encoder = None if self.encoder is None else load(self.encoder, backend, folder, reads)
        return OpenTracker(self, load(self.model, backend, folder, reads), encoder)


class OpenTracker:
    """A tracker that answers requests."""

    def __init__(self, tracker: Tracker, model: Session, encoder: Session | None) -> None:
        self._tracker = tracker
        self._step = tracker.step
        self.session = model
        self._encoder = encoder
        # An object's template is the same in each frame. Another worker embeds it again.
        self._template = lru_cache(_REMEMBERED if encoder else 0)(self._embedded_template)
        sides = self._step.template_size, self._step.search_size
        if sides[0] is None or sides[1] is None:
            raise BadModel("the step has no sizes: it was not bound to a model", where="search")
        self._side: int = sides[0]
        types = {tensor.name: tensor.dtype for tensor in model.signature.inputs}
        first, second = self._step.template, self._step.search
        if encoder is not None:
            types = {tensor.name: tensor.dtype for tensor in encoder.signature.inputs}
            first = second = self._step.image
        if first not in types or second not in types:
            raise BadModel(
                f"the model has no inputs '{first}' and '{second}'",
                found=", ".join(types),
                hint="build the function again: its model file was replaced",
            )
        self._dtype = types[first]
        height, width = image.WARM_UP_SIZE
        box = np.array([width / 4, height / 4, width / 2, height / 2])
        blank = image.blank()
        crop = cut(blank, self._step.template_view(box, image.WARM_UP_SIZE), (0, 0, 0))
        self._found(blank, (0, 0, 0), crop, box, Clock())

    def describe(self) -> str:
        """Return a summary for the log at start-up: sizes, shape types, threshold."""
        step = self._step
        return (
            f"template {step.template_size}, search {step.search_size}; tracks "
            f"{', '.join(self._tracker.shape_types)}; threshold {step.threshold:g}"
        )

    def __call__(self, request: Mapping[str, Any], clock: Clock) -> dict[str, list[Any]]:
        """Answer one request of CVAT.

        Args:
            request: `image`, `shapes` and `states`, paired by index; optionally `threshold`. An
                object without a state is new, and its shape is the drawn one. For an object with a
                state, the shape is ignored; servers send null, older ones the previous shape.

        Returns:
            `shapes` and `states` of the same length and order. A lost rectangle keeps its last box,
            because CVAT's page reads the points of every shape and fails on null, for all objects
            of the request. The shape of a lost polygon or mask, which the page does not track, is
            null. `lost` in an object's state tells whether it was found.

        Raises:
            BadRequest: the image, a shape, a state or the threshold is invalid.
        """
        threshold = number_of(request, "threshold", self._step.threshold, most=1)
        shapes, states = _listed(request, "shapes"), _listed(request, "states")
        count = max(len(shapes), len(states))
        if count > MAX_OBJECTS:
            found, allowed = str(count), str(MAX_OBJECTS)
            raise BadRequest("too many objects", where="shapes", found=found, allowed=allowed)
        shapes = [*shapes, *[None] * (count - len(shapes))]
        states = [*states, *[None] * (count - len(states))]
        objects = [
            self._read(number, *pair)
            for number, pair in enumerate(zip(shapes, states, strict=True))
        ]
        with clock.stage("image decode"):
            decoded = image.read(request.get("image"))
        # Objects that were drawn in different frames can have different stretches.
        frames: dict[Stretch | None, tuple[Array, Color]] = {}
        answers = []
        for number, item in enumerate(objects):
            stretch = item.stretch if isinstance(item, State) else decoded.stretch
            if stretch not in frames:
                pixels = decoded.bgr(stretch)
                frames[stretch] = pixels, self._fill(pixels)
            pixels, fill = frames[stretch]
            if isinstance(item, State):
                answers.append(self._follow(item, pixels, fill, threshold, number, clock))
            else:
                answers.append(self._begin(item, pixels, stretch, fill, number, clock))
        lost = sum(state.lost for _, state in answers)
        if lost:
            clock.note(f"lost: {lost} of {count}")
        return {
            "shapes": [shape for shape, _ in answers],
            "states": [state.as_json(self._tracker.digest) for _, state in answers],
        }

    def examine(self, pixels: Array) -> dict[str, Array]:
        """Return what the model finds in an image, for the smoke test of a build.

        An object in the middle is drawn and searched in the same image.

        Args:
            pixels: (H, W, 3) uint8 BGR.

        Returns:
            `image`: height and width of the image. `boxes` (1, 4), x1 y1 x2 y2 in pixels, not
            moved into the image, and `scores` (1,).

        Raises:
            BadModel: the step does not match the model's outputs.
        """
        size, fill = size_of(pixels), self._fill(pixels)
        drawn = np.array([size[1], size[0], size[1], size[0]]) * (0.375, 0.375, 0.625, 0.625)
        crop = cut(pixels, self._step.template_view(drawn, size), fill)
        box, score = self._found(pixels, fill, crop, drawn, Clock())
        return {"image": np.array(size), "boxes": box[None], "scores": np.array([score])}

    def _read(self, number: int, shape: object, state: object) -> State | Tracked:
        """Validate one object of a request: the state of a known one, or the shape of a new one."""
        types = self._tracker.shape_types
        if state is not None:
            where = f"states[{number}]"
            return State.of(
                state, self._tracker.digest, self._tracker.max_state_bytes, types, where
            )
        where = f"shapes[{number}]"
        if shape is None:
            raise BadRequest(
                "is null, and the object has no state",
                where=where,
                allowed="a shape for a new object, a state for a known one",
            )
        return Tracked.of(shape, where, types)

    def _fill(self, pixels: Array) -> Color:
        """Return the fill color of crops beyond the image's border."""
        if self._step.fill == "black":
            return 0.0, 0.0, 0.0
        blue, green, red, _ = cv2.mean(pixels)
        return blue, green, red

    def _begin(
        self,
        shape: Tracked,
        pixels: Array,
        stretch: Stretch | None,
        fill: Color,
        number: int,
        clock: Clock,
    ) -> tuple[object, State]:
        """Return the reply for a new object: the drawn shape and its first state.

        Args:
            shape: the drawn shape.
            pixels: (H, W, 3) uint8 BGR.
            stretch: of the frame; see State.
            fill: the fill color of crops beyond the image's border.
            number: the object's index in the request.
            clock: measures the stages.
        """
        where = f"shapes[{number}]"
        size = size_of(pixels)
        x1, y1, x2, y2 = shape.box.tolist()
        if x2 <= 0 or y2 <= 0 or x1 >= size[1] or y1 >= size[0]:
            raise BadRequest(
                "is outside of the image",
                where=where,
                found=f"{x1:g}, {y1:g}, {x2:g}, {y2:g}",
                allowed=f"within {size[1]}x{size[0]} pixels",
            )
        with clock.stage("template"):
            crop = cut(pixels, self._step.template_view(shape.box, size), fill)
            digest, limit = self._tracker.digest, self._tracker.max_state_bytes
            state = State.start(shape, crop, stretch, digest, limit, where)
        return shape.as_sent(), state

    def _follow(
        self,
        state: State,
        pixels: Array,
        fill: Color,
        threshold: float,
        number: int,
        clock: Clock,
    ) -> tuple[object, State]:
        """Return the reply for a known object: its new shape and its next state.

        Args:
            state: of the object.
            pixels: (H, W, 3) uint8 BGR.
            fill: the fill color of crops beyond the image's border.
            threshold: the minimum confidence.
            number: the object's index in the request.
            clock: measures the stages.
        """
        size = size_of(pixels)
        crop = state.crop(self._side, f"states[{number}]")
        last = _within(state.box, size)
        box, score = self._found(pixels, fill, crop, last, clock)
        if score >= threshold and np.isfinite(box).all() and (box[2:] > box[:2]).all():
            box = _within(box, size)
            shape = state.shape.at(box, size)
            if shape is not None:
                return shape, replace(state, box=box, lost=False)
        repeated = state.shape.at(last, size) if state.shape.type == "rectangle" else None
        return repeated, replace(state, lost=True)

    def _found(
        self, pixels: Array, fill: Color, crop: Array, box: Array, clock: Clock
    ) -> tuple[Array, float]:
        """Return an object's new box and confidence.

        Args:
            pixels: (H, W, 3) uint8 BGR.
            fill: the fill color of crops beyond the image's border.
            crop: the template.
            box: its previous box, within the image.
            clock: measures the stages.
        """
        step = self._step
        views = step.search_views(box, size_of(pixels))
        assert step.template is not None
        assert step.search is not None
        with clock.stage("template"):
            template = self._template(crop.tobytes())
        with clock.stage("preprocess"):
            searches = [self._tensor(cut(pixels, view, fill)) for view in views]
        with clock.stage("inference"):
            outputs = [
                # Copies, because the next run may overwrite the outputs.
                {
                    name: array.copy()
                    for name, array in self.session.run(
                        {step.template: template, step.search: self._embedded(search)}
                    ).items()
                }
                for search in searches
            ]
        with clock.stage("decode"):
            return step(outputs, views, box)

    def _tensor(self, crop: Array) -> Array:
        """Return a crop as an input of the encoder, or of the model if there is none."""
        frame = Frame(crop, Geometry())
        for step in self._tracker.preprocess:
            frame = step(frame)
        return frame.tensor(self._dtype)

    def _embedded_template(self, crop: bytes) -> Array:
        """Return the model's template input, from the bytes of the template's pixels."""
        pixels = np.frombuffer(crop, np.uint8).reshape(self._side, self._side, 3)
        return self._embedded(self._tensor(pixels))

    def _embedded(self, tensor: Array) -> Array:
        """Return the embedding of a crop, or the crop itself if there is no encoder."""
        if self._encoder is None:
            return tensor
        assert self._step.image is not None
        outputs = self._encoder.run({self._step.image: tensor})
        if self._step.embedding not in outputs:
            found = ", ".join(outputs)
            raise BadModel(f"the encoder has no output '{self._step.embedding}'", found=found)
        return outputs[self._step.embedding].copy()


def _within(box: Array, size: Size) -> Array:
    """Move a box's center into the image, and limit its sides to the image's.

    The box may extend beyond the image: an object that leaves the image keeps its size.
    """
    most = np.array([size[1], size[0]], np.float64)
    middle = ((box[:2] + box[2:]) / 2).clip(0, most)
    half = (box[2:] - box[:2]).clip(np.minimum(_LEAST_SIDE, most), most) / 2
    return np.concatenate([middle - half, middle + half])


def _listed(request: Mapping[str, Any], key: str) -> Sequence[object]:
    """Return an optional list of a request; empty if it is absent or null.

    Raises:
        BadRequest: it is not a list.
    """
    value = request.get(key)
    if value is not None and not isinstance(value, list):
        raise BadRequest("must be a list", where=key, found=type(value).__name__)
    return value or []
