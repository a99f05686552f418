"""Functions that segment what an annotator points at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import orjson

from runtimes import image, rle
from runtimes.arrays import Array, Size
from runtimes.backends.session import Backend, Session, load, run_fitted
from runtimes.clock import Clock
from runtimes.contours import outlines
from runtimes.embeddings import Embeddings, fingerprint
from runtimes.errors import BadModel, BadRequest
from runtimes.instances import Instances
from runtimes.interfaces import Segmenter
from runtimes.masks import Crop
from runtimes.network import Network, OpenNetwork, Outputs
from runtimes.numbers import number_of
from runtimes.prompts import Prompts
from runtimes.step import Refine

MEMORY = 256 * 2**20
"""How many bytes of embeddings are remembered: about 60 images of SAM, 15 of SAM 2."""

_EPSILON = 0.75
"""How far, in pixels, the polygon beside a mask may stray from its boundary."""

Found: TypeAlias = tuple[int, float, Crop]
"""The number of an object, the score of a mask of it, and the mask."""


@dataclass(frozen=True, slots=True)
class Interactor:
    """An interactor's description, as model_handler.py spells it out.

    Attributes:
        threshold: the score below which a mask is not offered.
        network: the model that takes the image, and its preprocessing.
        decoder: the file of the model that takes the prompts; None where it is the same one.
        segmenter: turns the prompts into masks.
        refine: the refinements that change the masks, in this order.
        reply: what CVAT reads: "shapes" from 2.60 on, "mask" before.
        min_pos_points: how many positive points there must be where there is no box.
        box: whether a box comes with the points.
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
            BadModel, NoDevice: see Network.open; a wrong output shows in the run.
        """
        network = self.network.open(backend, folder)
        decoder = load(self.decoder, backend, folder) if self.decoder else None
        return OpenInteractor(self, network, decoder)


class OpenInteractor:
    """An interactor that answers requests.

    What a model makes of an image alone is remembered: of an encoder its outputs, of an only model
    its input.
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
        """For the log at start-up: the model's input, what must be clicked, the threshold."""
        points = f"at least {self._interactor.min_pos_points} points"
        taken = f"input {self._network.input}; {points}; box {self._interactor.box}"
        return f"{taken}; threshold {self._interactor.threshold:g}"

    def __call__(self, request: Mapping[str, Any], clock: Clock) -> dict[str, Any]:
        """Answer one request of CVAT.

        Args:
            request: `image`, `pos_points`, `neg_points`, `obj_bbox`, and maybe `threshold` and
                `text_prompts`, which no model here reads.

        Returns:
            CVAT's interactor contract, in the one form that `reply` says. Where nothing is found
            it has no shapes, or an empty mask.

        Raises:
            BadRequest: the image or what points at it is not usable.
        """
        threshold = number_of(request, "threshold", self._interactor.threshold, most=1)
        prompts = Prompts.read(request)
        self._check(prompts)
        if request.get("text_prompts"):
            clock.note("text_prompts: ignored")
        features, prompts = self._features(request.get("image"), prompts, clock)
        size = features.view.image
        with clock.stage("decoder"):
            instances = self._segment(features, prompts)
        with clock.stage("shapes"):
            found = list(_found(instances.take(instances.scores >= threshold), size))
            if self._interactor.reply == "shapes":
                return {"shapes": [_shape(score, crop) for _, score, crop in found]}
            return _full_image(found, size)

    def _check(self, prompts: Prompts) -> None:
        """Stop where the prompts are not those that the function asks for.

        Raises:
            BadRequest: they are not.
        """
        boxes, points = len(prompts.boxes), len(prompts.positive)
        if boxes and self._interactor.box == "never":
            raise BadRequest("this function takes points alone", where="obj_bbox")
        if not boxes and self._interactor.box == "always":
            raise BadRequest(
                "this function needs a box",
                where="obj_bbox",
                found="none",
                allowed="[[x1, y1], [x2, y2]]",
            )
        least = max(1, self._interactor.min_pos_points)
        if not boxes and points < least:
            raise BadRequest(
                "there are not enough points on what is wanted",
                where="pos_points",
                found=str(points),
                allowed=f"{least} or more",
            )

    def _features(self, text: object, prompts: Prompts, clock: Clock) -> tuple[Outputs, Prompts]:
        """What the model makes of the image alone, and the prompts within the image.

        A known image is not even decoded; of a new one nothing is computed for prompts that lie
        elsewhere.
        """
        with clock.stage("look up"):
            name = fingerprint(text) if isinstance(text, str) else b""
            known = self._embeddings.get(name)
        if known is not None:
            clock.note("embedding: hit")
            return known, prompts.within(known.view.image)
        with clock.stage("decode"):
            pixels = image.decode(text)
        prompts = prompts.within((pixels.shape[0], pixels.shape[1]))
        clock.note("embedding: miss")
        return self._embeddings.put(name, self._embed(pixels, clock)), prompts

    def _embed(self, pixels: Array, clock: Clock) -> Outputs:
        """What the model makes of an image, (H, W, 3) uint8 BGR, alone."""
        if self._decoder is not None:
            return self._network.run(pixels, clock)
        with clock.stage("preprocess"):
            tensor, view = self._network.prepare(pixels)
        return Outputs({self._network.input.name: tensor}, view)

    def _segment(self, features: Outputs, prompts: Prompts) -> Instances:
        """Masks in pixels of the image, best first."""
        session = self._decoder or self._network.session
        run = partial(run_fitted, session)
        instances = self._interactor.segmenter(run, features.tensors, features.view, prompts)
        for step in self._interactor.refine:
            instances = step(instances)
        return instances.best_first()

    def _warm_up(self) -> None:
        """Run once, so that a model that does not fit shows at the start."""
        height, width = image.WARM_UP_SIZE
        count = max(1, self._interactor.min_pos_points)
        part = (np.arange(count) + 1.0)[:, None] / (count + 1)
        boxes = [[width / 8, height / 8, width / 2, height / 2]]
        prompts = Prompts(
            part * [width, height],
            np.zeros((0, 2)),
            np.array(boxes if self._interactor.box == "always" else [], np.float64).reshape(-1, 4),
        )
        features = self._embed(image.blank(), Clock())
        list(_found(self._segment(features, prompts), image.WARM_UP_SIZE))


def _found(instances: Instances, size: Size) -> Iterator[Found]:
    """The masks in an image of `size` that are not empty, in the instances' order.

    Raises:
        BadModel: a step has lost the masks.
    """
    if instances.masks is None:
        raise BadModel("the steps give no masks")
    rows = zip(instances.classes.tolist(), instances.scores.tolist(), instances.boxes, strict=True)
    for number, (thing, score, box) in enumerate(rows):
        crop = instances.masks.crop(number, box, size)
        if crop is not None:
            yield thing, score, crop


def _shape(score: float, crop: Crop) -> dict[str, Any]:
    """One mask for CVAT 2.60 and newer; the attribute 0 is the score, as text."""
    return {
        "type": "mask",
        "points": rle.encode(crop.bitmap, crop.left, crop.top),
        "attributes": [{"spec_id": 0, "value": str(round(score, 4))}],
    }


def _full_image(found: list[Found], size: Size) -> dict[str, Any]:
    """One mask as large as the image, for older versions: the best of each object, united.

    Newer versions read it too, and ignore the polygon beside it.
    """
    whole = np.zeros(size, np.uint8)
    seen = set()
    for thing, _, crop in found:
        if thing not in seen:
            seen.add(thing)
            height, width = crop.bitmap.shape
            whole[crop.top : crop.top + height, crop.left : crop.left + width] |= crop.bitmap
    rings = outlines(whole, 0, 0, _EPSILON, holes=False) if seen else []
    points = rings[0].ring.round(2).tolist() if rings else []
    return {"mask": orjson.Fragment(_rows(whole)), "points": points}


def _rows(bitmap: Array) -> bytes:
    """JSON of a bitmap, (h, w) uint8 of 0 and 1, as a list of rows; see region._pixels."""
    height, width = bitmap.shape
    text = np.full((height, 2 * width + 2), ord(","), np.uint8)
    text[:, 0] = ord("[")
    text[:, 1 : 2 * width : 2] = bitmap + ord("0")
    text[:, 2 * width] = ord("]")
    return b"[" + text.tobytes()[:-1] + b"]"
