"""Detectors: functions that find objects in an image without prompts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson

from runtimes import image, reduced
from runtimes.arrays import Array, Size
from runtimes.backends.session import Backend
from runtimes.clock import Clock
from runtimes.errors import BadImage, BadModel, Fault
from runtimes.instances import Instances
from runtimes.masks import RegionMasks, grid_size
from runtimes.network import Network, OpenNetwork, Outputs
from runtimes.numbers import number_of
from runtimes.picture import Picture
from runtimes.second import OpenSecond, Second
from runtimes.step import Attribute, Decoder, Item, Refine, Shape
from runtimes.timed import timed

_SLACK = 0.01
"""Tolerance of the range 0..1 of scores, for the rounding of half precision."""

_MOST_DRAWN = 20
"""Maximum number of instances that `examine` draws and passes to second models."""


@dataclass(frozen=True, slots=True)
class Detector:
    """A detector's description; it is spelled out in model_handler.py.

    Attributes:
        labels: class ID of the model -> name of the label; other classes are dropped. Classes of
            the same name are one class to all steps after the decoder.
        threshold: the default confidence threshold; a request may override it.
        network: the model and its preprocessing.
        decoder: turns the model's outputs into instances.
        refine: the refinements and attributes that change the instances, in this order.
        shapes: turn the instances into annotations; each shape draws every instance.
        then: second models, which run on crops of the instances.
        on_bad_image: the reply to an image that cannot be decoded: `error` for HTTP 400, `empty`
            for no annotations and a warning in the log.
        decode: `reduced` to decode JPEG files at a reduced size; see runtimes.reduced.
    """

    labels: Mapping[int, str]
    threshold: float
    network: Network
    decoder: Decoder
    refine: tuple[Refine | Attribute, ...]
    shapes: tuple[Shape, ...]
    then: tuple[Second, ...] = ()
    on_bad_image: Literal["error", "empty"] = "error"
    decode: Literal["auto", "reduced"] = "auto"

    def start(self, backend: Backend, folder: Path) -> "OpenDetector":
        """Load the model from `folder` and run it once on a blank image.

        Raises:
            BadModel: see Network.open; or an output has another shape than declared.
            NoDevice: see Network.open.
        """
        seconds = [second.open(backend, folder) for second in self.then]
        readers = (self.decoder, *self.refine)
        return OpenDetector(self, self.network.open(backend, folder, readers), seconds)


class OpenDetector:
    """A detector that answers requests."""

    def __init__(
        self, detector: Detector, network: OpenNetwork, seconds: Sequence[OpenSecond]
    ) -> None:
        self._labels = dict(detector.labels)
        self._known = np.array(sorted(self._labels), np.int64)
        # Each known class -> the first class of the same label.
        first = {name: number for number, name in sorted(self._labels.items(), reverse=True)}
        self._merged = np.array([first[self._labels[it]] for it in self._known.tolist()], np.int64)
        self._has_merged = not np.array_equal(self._known, self._merged)
        self._threshold = detector.threshold
        self._network = network
        self.session = network.session
        self._seconds = seconds
        self._decoder = detector.decoder
        self._refine = detector.refine
        self._shapes = detector.shapes
        self._on_bad_image = detector.on_bad_image
        self._reduces = detector.decode == "reduced"
        self._bad_images = 0
        blank = image.blank()
        self._detect(Picture.whole(blank), self._threshold, Clock())
        for second in seconds:
            found = second.warm_up(blank)
            for shape in self._shapes if found.keypoints is not None else ():
                # A skeleton compares the labels with the keypoints when it is drawn.
                if shape.label_type == "skeleton":
                    list(shape(found, image.WARM_UP_SIZE))

    def describe(self) -> str:
        """Return a summary for the log at start-up: input, number of labels, threshold."""
        given = f"input {self._network.input}"
        return f"{given}; {len(set(self._labels.values()))} labels; threshold {self._threshold:g}"

    def __call__(self, request: Mapping[str, Any], clock: Clock) -> list[Item]:
        """Answer one request of CVAT.

        Args:
            request: `image`, optionally `threshold`.

        Returns:
            Annotations in the format of CVAT's detectors, highest confidence first. None for an
            image that cannot be decoded, if the manifest says so.

        Raises:
            BadRequest: the image or the threshold is invalid.
        """
        threshold = number_of(request, "threshold", self._threshold, most=1)
        try:
            with clock.stage("image decode"):
                picture = self._decoded(request.get("image"))
        except BadImage as error:
            if self._on_bad_image == "error":
                raise
            self._bad_images += 1
            clock.warn(
                f"empty reply for an image that cannot be decoded ({self._bad_images} since this "
                f"worker started): {error}"
            )
            return []
        return self._detect(picture, threshold, clock)

    def _decoded(self, text: object) -> Picture:
        """Return the image of a request; see image.decode."""
        if self._reduces:
            return reduced.decode(text, self._network.content)
        return Picture.whole(image.decode(text))

    def _detect(self, picture: Picture, threshold: float, clock: Clock) -> list[Item]:
        """Return the annotations of a picture."""
        outputs = self._network.run(picture, clock)
        with clock.stage("decode"):
            found = self._decoder(outputs.tensors, outputs.view, threshold)
            _check_scores(found, self._decoder)
        with clock.stage("refine"):
            instances = self._refined(found, outputs)
        return self._drawn(instances, picture, clock)

    def examine(self, pixels: Array) -> dict[str, Array]:
        """Return what the decoder finds in an image, for the smoke test of a build.

        Nothing is dropped by a threshold, and neither by the labels. The refinements, the second
        models and the shapes run as well, on instances with a score above 0.

        Args:
            pixels: (H, W, 3) uint8 BGR.

        Returns:
            `image` and `input`: height and width of the image, and of the frame of the boxes, which
            is the model's input or the image. `boxes` (N, 4), `scores` (N,) and `classes` (N,).
            `nan NAME`: the number of NaN in the output NAME, and its size. `reply`: the bytes of
            the reply as JSON. If the decoder gives them: `keypoints` (N, K, 3); `grid`, height and
            width of the masks over the input; `areas` (N,) of the parts of a map, in pixels.
            And what OpenSecond.examine returns.

        Raises:
            BadModel: a step does not match the model's outputs.
        """
        clock = Clock()
        picture = Picture.whole(pixels)
        outputs = self._network.run(picture, clock)
        found = self._decoder(outputs.tensors, outputs.view, -np.inf)
        view, tensors = outputs.view, outputs.tensors
        frame = view.image if self._decoder.space == "image" else view.input
        nan = {
            f"nan {name}": np.array([np.isnan(tensors[name]).sum(), tensors[name].size])
            for name in self._decoder.tensors()
            if name in tensors and tensors[name].dtype.kind == "f"
        }
        examined = {
            "image": np.array(view.image),
            "input": np.array(frame),
            "boxes": found.boxes,
            "scores": found.scores,
            "classes": found.classes,
            **nan,
        }
        if found.keypoints is not None:
            examined["keypoints"] = found.keypoints
        grid = None if found.masks is None else grid_size(found.masks)
        if grid is not None:
            examined["grid"] = np.array(grid)
        if isinstance(found.masks, RegionMasks):
            examined["areas"] = found.masks.areas()
        shown = found.take((found.scores > 0) & (found.scores <= 1 + _SLACK))
        best = self._refined(shown, outputs)
        best = best.take(np.arange(min(len(best), _MOST_DRAWN)))
        reply = orjson.dumps(self._drawn(best, picture, clock))
        for second in self._seconds:
            examined |= second.examine(pixels)
        return {**examined, "reply": np.frombuffer(reply, np.uint8)}

    def _refined(self, found: Instances, outputs: Outputs) -> Instances:
        """Return the refined instances of classes with a label, within the image, best first.

        Args:
            found: from the decoder.
            outputs: of the model, from which `found` was decoded.
        """
        known = np.isin(found.classes, self._known)
        instances = found if known.all() else found.take(known)
        if self._has_merged:
            instances = self._with_merged_classes(instances)
        if self._decoder.space == "input":
            instances = instances.to_image(outputs.view.geometry)
        for step in self._refine:
            if isinstance(step, Attribute):
                instances = step(instances, outputs.tensors)
            else:
                instances = step(instances)
        return instances.clipped(outputs.view.image).best_first()

    def _drawn(self, instances: Instances, picture: Picture, clock: Clock) -> list[Item]:
        """Return the annotations of instances, in pixels of the whole image."""
        for second in self._seconds:
            with clock.stage("second models"):
                instances = second(instances, picture.pixels, clock)
        with clock.stage("shapes"):
            return self._items(timed(instances, clock), picture.size)

    def _with_merged_classes(self, found: Instances) -> Instances:
        """Return instances whose class is the first class of their label.

        Decoders with several classes per candidate give it once for each; the best one is kept.
        """
        classes = self._merged[np.searchsorted(self._known, found.classes)]
        found = replace(found, classes=classes)
        if found.rows is None:
            return found
        best = np.argsort(-found.scores, kind="stable")
        pairs = np.stack([found.rows[best], classes[best]], axis=1)
        _, kept = np.unique(pairs, axis=0, return_index=True)
        return found.take(np.sort(best[kept]))

    def _items(self, instances: Instances, size: Size) -> list[Item]:
        """Return all shapes of all instances, ordered by instance."""
        names = [self._labels[number] for number in instances.classes.tolist()]
        scores = instances.scores.round(5).clip(0, 1).tolist()
        attributes = [
            [
                {"name": name, "value": str(values[number])}
                for name, values in instances.attributes.items()
                if values[number]
            ]
            for number in range(len(instances))
        ]
        drawn = [
            (
                number,
                {
                    "label": names[number] + shape.suffix,
                    **item,
                    **({"attributes": attributes[number]} if attributes[number] else {}),
                    "confidence": scores[number],
                },
            )
            for shape in self._shapes
            for number, item in shape(instances, size)
        ]
        drawn.sort(key=lambda pair: pair[0])
        # The ID of a group is the index of its first instance, plus one.
        keys = list(range(len(names))) if instances.groups is None else instances.groups.tolist()
        first = {key: number for number, key in reversed(list(enumerate(keys)))}
        # In CVAT, group 0 means no group, and tags cannot be grouped.
        shapes = [(first[keys[number]], item) for number, item in drawn if item["type"] != "tag"]
        counts = Counter(group for group, _ in shapes)
        for group, item in shapes:
            if counts[group] > 1:
                item["group_id"] = group + 1
        return [item for _, item in drawn]


def _check_scores(found: Instances, decoder: Decoder) -> None:
    """Check that scores are confidences: CVAT stores any number, and shows it as one.

    Raises:
        BadModel: a score exceeds 1.
    """
    most = float(found.scores.max(initial=0))
    if most > 1 + _SLACK:
        raise BadModel(
            f"`{decoder.name()}` decodes scores that are not confidences",
            found=f"a score of {most:.4g}",
            allowed="scores from 0 to 1",
            hint="check that the decoder matches the model: the values may be logits, or another "
            "column of the output",
            fault=Fault.SCORE_RANGE,
        )
