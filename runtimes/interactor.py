"""Interactors: functions that segment the objects that an annotator clicks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import orjson

from runtimes import image, rle
from runtimes.arrays import Array, Size, size_of
from runtimes.backends.session import Backend, Session, load, run_fitted
from runtimes.clock import Clock
from runtimes.contours import outlines
from runtimes.embeddings import Embeddings, fingerprint
from runtimes.errors import BadModel, BadRequest
from runtimes.instances import Instances
from runtimes.interfaces import Segmenter
from runtimes.masks import Crop, FrameMasks
from runtimes.network import Network, OpenNetwork, Outputs
from runtimes.numbers import number_of
from runtimes.picture import Picture
from runtimes.prompts import Prompts
from runtimes.step import Refine
from runtimes.timed import timed

MEMORY = 256 * 2**20
"""Size of the cache of embeddings in bytes: about 60 images for SAM, 15 for SAM 2."""

_EPSILON = 0.75
"""Maximum distance of a mask's polygon from its boundary, in pixels."""

Found: TypeAlias = tuple[int, float, Crop]
"""The index of an object, the score of one of its masks, and the mask."""


@dataclass(frozen=True, slots=True)
class Interactor:
    """An interactor's description; it is spelled out in model_handler.py.

    Attributes:
        threshold: the default minimum score of a mask; a request may override it.
        network: the model that takes the image, and its preprocessing.
        decoder: the file of the model that takes the prompts; None if it is the same model.
        segmenter: turns the prompts into masks.
        refine: the refinements that change the masks, in this order.
        reply: the format of the reply: "shapes" for CVAT 2.60 and newer, "mask" for older versions.
        min_pos_points: the minimum number of positive points in requests without a box.
        box: whether requests have a box.
    """

    threshold: float
    network: Network
    decoder: str | None
    segmenter: Segmenter
    refine: tuple[Refine, ...] = ()
    reply: Literal["shapes", "mask"] = "shapes"
    min_pos_points: int = 1
    box: Literal["never", "optional", "always"] = "never"

    def start(self, backend: Backend, folder: Path) -> "OpenInteractor":
        """Load the models from `folder` and run them once on a blank image.

        Raises:
            BadModel: see Network.open; or an output has another shape than declared.
            NoDevice: see Network.open.
        """
        network = self.network.open(backend, folder, (self.segmenter,))
        reads = self.segmenter.tensors()
        decoder = load(self.decoder, backend, folder, reads) if self.decoder else None
        return OpenInteractor(self, network, decoder)


class OpenInteractor:
    """An interactor that answers requests.

    The part of the computation that depends only on the image is cached: the encoder's outputs, or
    the input of a single model.
    """

    def __init__(
        self, interactor: Interactor, network: OpenNetwork, decoder: Session | None
    ) -> None:
        self._interactor = interactor
        self._network = network
        self.session = network.session
        self._decoder = decoder
        self._embeddings = Embeddings(MEMORY)
        self._warm_up()

    def describe(self) -> str:
        """Return a summary for the log at start-up: input, required prompts, threshold."""
        points = f"at least {self._interactor.min_pos_points} points"
        given = f"input {self._network.input}; {points}; box {self._interactor.box}"
        return f"{given}; threshold {self._interactor.threshold:g}"

    def __call__(self, request: Mapping[str, Any], clock: Clock) -> dict[str, Any]:
        """Answer one request of CVAT.

        Args:
            request: `image`, `pos_points`, `neg_points`, `obj_bbox`, optionally `threshold` and
                `text_prompts`, which are ignored.

        Returns:
            CVAT's reply of interactors in the format `reply`. It has no shapes or an empty mask if
            nothing is found, or if the request lacks required prompts: CVAT's page sends such
            requests after the first click was negative or the annotator deleted a prompt, whatever
            `min_pos_points` is, and shows an error if one fails.

        Raises:
            BadRequest: the image or a prompt is invalid.
        """
        threshold = number_of(request, "threshold", self._interactor.threshold, most=1)
        prompts = Prompts.of(request)
        if request.get("text_prompts"):
            clock.note("text_prompts: ignored")
        lacking = self._lacking(prompts)
        if lacking:
            clock.note(f"empty reply: {lacking}")
            return self._reply([], self._size(request.get("image"), clock))
        features, prompts = self._features(request.get("image"), prompts, clock)
        size = features.view.image
        with clock.stage("decoder"):
            instances = self._segment(features, prompts, clock)
            # The scores are predictions of an IoU and can slightly exceed 1.
            instances = replace(instances, scores=instances.scores.clip(0, 1))
        with clock.stage("shapes"):
            kept = timed(instances.take(instances.scores >= threshold), clock)
            found = list(_found(kept, size))
            return self._reply(found, size)

    def _reply(self, found: list[Found], size: Size) -> dict[str, Any]:
        """Return the reply with the masks that were found in an image of `size`."""
        if self._interactor.reply == "shapes":
            return {"shapes": [_shape(score, crop) for _, score, crop in found]}
        return _full_image(found, size)

    def _lacking(self, prompts: Prompts) -> str:
        """Return which required prompts the request lacks; empty if it has them.

        Raises:
            BadRequest: it has a box, and the function takes none. CVAT's page cannot send one.
        """
        boxes, points = len(prompts.boxes), len(prompts.positive)
        if boxes and self._interactor.box == "never":
            raise BadRequest("this function does not take a box", where="obj_bbox")
        least = max(1, self._interactor.min_pos_points)
        if boxes:
            return ""
        if self._interactor.box == "always":
            return "no box"
        return "" if points >= least else f"{points} of {least} positive points"

    def _size(self, text: object, clock: Clock) -> Size:
        """Return height and width of the image, without its features.

        Raises:
            BadRequest: the image is invalid.
        """
        known = self._embeddings.get(fingerprint(text)) if isinstance(text, str) else None
        if known is not None:
            return known.view.image
        with clock.stage("image decode"):
            return size_of(image.decode(text))

    def _features(self, text: object, prompts: Prompts, clock: Clock) -> tuple[Outputs, Prompts]:
        """Return the features of the image, and the prompts clipped to the image.

        A cached image is not decoded. For a new image, the prompts are checked before the encoder
        runs.
        """
        with clock.stage("look up"):
            name = fingerprint(text) if isinstance(text, str) else b""
            known = self._embeddings.get(name)
        if known is not None:
            clock.note("embedding: hit")
            return known, prompts.within(known.view.image)
        with clock.stage("image decode"):
            pixels = image.decode(text)
        prompts = prompts.within(size_of(pixels))
        clock.note("embedding: miss")
        return self._embeddings.put(name, self._embed(pixels, clock)), prompts

    def _embed(self, pixels: Array, clock: Clock) -> Outputs:
        """Compute the features of an image, (H, W, 3) uint8 BGR."""
        if self._decoder is not None:
            return self._network.run(Picture.whole(pixels), clock)
        with clock.stage("preprocess"):
            tensor, view = self._network.prepare(Picture.whole(pixels))
        return Outputs({self._network.input.name: tensor}, view)

    def _segment(self, features: Outputs, prompts: Prompts, clock: Clock) -> Instances:
        """Return instances with masks in pixels of the image, highest score first."""
        session = self._decoder or self._network.session

        def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
            with clock.stage("decoder inference"):
                return run_fitted(session, inputs)

        instances = self._interactor.segmenter(run, features.tensors, features.view, prompts)
        with clock.stage("refine"):
            for step in self._interactor.refine:
                instances = step(instances)
            return instances.best_first()

    def examine(self, pixels: Array) -> dict[str, Array]:
        """Return what the model finds in an image, for the smoke test of a build.

        Args:
            pixels: (H, W, 3) uint8 BGR.

        Returns:
            `image`: height and width of the image. `scores` (N,) and `areas` (N,) of the masks, in
            pixels, of any score, for all kinds of prompts that requests can have. If there are
            masks: `grid`, their height and width in cells, and `input`, height and width of the
            part of the model's input that they cover.

        Raises:
            BadModel: a step does not match the model's outputs.
        """
        size = size_of(pixels)
        features = self._embed(pixels, Clock())
        examined = {"image": np.array(size)}
        scores, areas = [np.zeros(0)], [np.zeros(0)]
        usual = self._usual_prompts(size)
        boxed = replace(usual, boxes=np.array([_usual_box(size)]))
        for prompts in [usual, boxed] if self._interactor.box == "optional" else [usual]:
            instances = self._segment(features, prompts, Clock())
            masks = instances.masks
            crops = [
                masks.crop(number, box, size) if masks else None
                for number, box in enumerate(instances.boxes)
            ]
            scores.append(instances.scores)
            areas.append(np.array([crop.bitmap.sum() if crop else 0 for crop in crops], float))
            if isinstance(masks, FrameMasks) and len(instances):
                grid, map_, seen = masks.values.shape[1:], masks.to_grid, features.view.geometry
                cells = [map_.scale_y / seen.scale_y, map_.scale_x / seen.scale_x]
                examined |= {"grid": np.array(grid), "input": np.array(grid) / cells}
        return {**examined, "scores": np.concatenate(scores), "areas": np.concatenate(areas)}

    def _warm_up(self) -> None:
        """Run once, to find a model that does not fit at start-up."""
        size = image.WARM_UP_SIZE
        features = self._embed(image.blank(), Clock())
        list(_found(self._segment(features, self._usual_prompts(size), Clock()), size))

    def _usual_prompts(self, size: Size) -> Prompts:
        """Return the prompts that every request needs, for an image of `size`."""
        height, width = size
        count = max(1, self._interactor.min_pos_points)
        fractions = (np.arange(count) + 1.0)[:, None] / (count + 1)
        boxes = [_usual_box(size)]
        return Prompts(
            fractions * [width, height],
            np.zeros((0, 2)),
            np.array(boxes if self._interactor.box == "always" else [], np.float64).reshape(-1, 4),
        )


def _usual_box(size: Size) -> list[float]:
    """Return a box around the middle of the left upper part of an image of `size`."""
    height, width = size
    return [width / 8, height / 8, width / 2, height / 2]


def _found(instances: Instances, size: Size) -> Iterator[Found]:
    """Yield the masks in an image of `size` that are not empty, in the order of the instances.

    Raises:
        BadModel: the instances have no masks.
    """
    if instances.masks is None:
        raise BadModel("the segmenter returned no masks")
    rows = zip(instances.classes.tolist(), instances.scores.tolist(), instances.boxes, strict=True)
    for number, (index, score, box) in enumerate(rows):
        crop = instances.masks.crop(number, box, size)
        if crop is not None:
            yield index, score, crop


def _shape(score: float, crop: Crop) -> dict[str, Any]:
    """Return a mask for CVAT 2.60 and newer; the attribute 0 is the score, as text."""
    return {
        "type": "mask",
        "points": rle.encode(crop.bitmap, crop.left, crop.top),
        "attributes": [{"spec_id": 0, "value": str(round(score, 4))}],
    }


def _full_image(found: list[Found], size: Size) -> dict[str, Any]:
    """Return the reply for CVAT before 2.60: the union of the best mask of each object.

    The mask has the size of the image. Newer versions also read it, and ignore the polygon.
    """
    whole = np.zeros(size, np.uint8)
    seen = set()
    for index, _, crop in found:
        if index not in seen:
            seen.add(index)
            height, width = crop.bitmap.shape
            whole[crop.top : crop.top + height, crop.left : crop.left + width] |= crop.bitmap
    rings = outlines(whole, 0, 0, _EPSILON, holes=False) if seen else []
    points = rings[0].ring.round(2).tolist() if rings else []
    return {"mask": orjson.Fragment(_rows(whole)), "points": points}


def _rows(bitmap: Array) -> bytes:
    """Return a bitmap, (h, w) uint8 of 0 and 1, as JSON: a list of rows; see region._pixels."""
    height, width = bitmap.shape
    text = np.full((height, 2 * width + 2), ord(","), np.uint8)
    text[:, 0] = ord("[")
    text[:, 1 : 2 * width : 2] = bitmap + ord("0")
    text[:, 2 * width] = ord("]")
    return b"[" + text.tobytes()[:-1] + b"]"
