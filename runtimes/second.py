"""Second models, which run on crops of instances: keypoints of a person, age of a face."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor
from pathlib import Path
from typing import Literal

import numpy as np

from runtimes.arrays import Array, Size, size_of
from runtimes.backends.session import Backend
from runtimes.clock import Clock
from runtimes.instances import Instances
from runtimes.network import Network, OpenNetwork, Outputs
from runtimes.step import Attribute, Decoder
from runtimes.upright import upright


@dataclass(frozen=True, slots=True)
class Second:
    """A second model's description; it is spelled out in model_handler.py.

    Attributes:
        network: the model and the preprocessing of each crop.
        classes: the class IDs of the instances on which it runs.
        expand: the size of a crop divided by that of the instance's box, on each axis.
        decoder: a decoder of keypoints, or None.
        attributes: the attributes that are read from the model's outputs.
        aspect: the width of a crop divided by its height, to which it is extended; None for the
            aspect ratio of the box.
        crop: `box` crops the axis-aligned box of an instance, `oriented` its oriented box, turned
            upright; see runtimes.upright.
    """

    network: Network
    classes: tuple[int, ...]
    expand: float
    decoder: Decoder | None
    attributes: tuple[Attribute, ...] = ()
    aspect: float | None = None
    crop: Literal["box", "oriented"] = "box"

    def open(self, backend: Backend, folder: Path) -> "OpenSecond":
        """Load the model from `folder`; see Network.open."""
        readers = (*((self.decoder,) if self.decoder else ()), *self.attributes)
        return OpenSecond(self, self.network.open(backend, folder, readers))


class OpenSecond:
    """A loaded second model."""

    def __init__(self, second: Second, network: OpenNetwork) -> None:
        self._second = second
        self._network = network

    def warm_up(self, image: Array) -> Instances:
        """Run once on a whole image, to find a model that does not fit at start-up.

        Returns:
            The image as one instance, with the model's keypoints and attributes.
        """
        return self(self._whole(image), image, Clock())

    def examine(self, image: Array) -> dict[str, Array]:
        """Return what the model finds in a whole image, for the smoke test of a build.

        Args:
            image: (H, W, 3) uint8 BGR.

        Returns:
            `nan NAME of FILE`: the number of NaN in each output that a step reads, and its size.
            `points of FILE`: (K, 3) keypoints in pixels of the image. `number NAME of FILE`: an
            attribute's number before it is rounded and clipped, then its minimum and maximum.

        Raises:
            BadModel: a step does not match the model's outputs.
        """
        whole, second = self._whole(image), self._second
        (outputs,) = self._run(whole, image, Clock())
        found = {}
        names = set(second.decoder.tensors() if second.decoder else ())
        names |= {getattr(attribute, "output", "") for attribute in second.attributes}
        file = second.network.file
        for name in sorted(names & outputs.tensors.keys()):
            tensor = outputs.tensors[name]
            if tensor.dtype.kind == "f":
                found[f"nan {name} of {file}"] = np.array([np.isnan(tensor).sum(), tensor.size])
        if second.decoder is not None:
            points = self._with_keypoints(whole, np.zeros(1, int), second.decoder, [outputs])
            if points.keypoints is not None and points.keypoints.size:
                found[f"points of {file}"] = points.keypoints[0]
        one = replace(whole, rows=np.zeros(1, int))
        for attribute in second.attributes:
            numbers = attribute.unclipped(one, outputs.tensors)
            if numbers is not None:
                limits = [float(it) for it in attribute.declare()[1][:2]]
                found[f"number {attribute.attribute} of {file}"] = np.array([*numbers, *limits])
        return found

    def _whole(self, image: Array) -> Instances:
        """Return a whole image as one instance."""
        box = np.array([[0, 0, image.shape[1], image.shape[0]]], np.float64)
        return Instances(box, np.ones(1), np.array(self._second.classes[:1], np.int64))

    def __call__(self, instances: Instances, image: Array, clock: Clock) -> Instances:
        """Return the instances with the second model's keypoints and attributes.

        Args:
            instances: in pixels of the image, within its bounds.
            image: (H, W, 3) uint8 BGR.
        """
        chosen = np.flatnonzero(np.isin(instances.classes, self._second.classes))
        if not len(chosen):
            return _with_some_keypoints(instances) if self._second.decoder else instances
        results = list(self._run(instances.take(chosen), image, clock))
        if self._second.decoder is not None:
            instances = self._with_keypoints(instances, chosen, self._second.decoder, results)
        if self._second.attributes:
            instances = self._with_attributes(instances, chosen, results)
        return instances

    def _run(self, chosen: Instances, image: Array, clock: Clock) -> Iterator[Outputs]:
        """Yield the model's outputs for each instance; the first axis of each tensor is 1."""
        size, expand, aspect = size_of(image), self._second.expand, self._second.aspect
        if self._second.crop == "oriented" and chosen.rotated is not None:
            sides = chosen.rotated * [1, 1, expand, expand, 1]
            yield from self._network.run_images([upright(image, it) for it in sides], clock)
        else:
            windows = [_window(box, expand, aspect, size) for box in chosen.boxes]
            yield from self._network.run_crops(image, windows, clock)

    def _with_keypoints(
        self, instances: Instances, chosen: Array, decoder: Decoder, results: list[Outputs]
    ) -> Instances:
        """Set the keypoints of the chosen instances to the best ones in their crops."""
        found = []
        for outputs in results:
            # With any score, because the keypoints have their own confidence.
            decoded = decoder(outputs.tensors, outputs.view, -1.0)
            if decoder.space == "input":
                decoded = decoded.to_image(outputs.view.geometry)
            points = decoded.best_first().keypoints
            found.append(None if points is None or not len(points) else points[0])
        count = next((len(points) for points in found if points is not None), 0)
        if not count:
            return _with_some_keypoints(instances)
        # A confidence of -1 hides keypoints of other instances at any threshold.
        keypoints = np.tile([0.0, 0.0, -1.0], (len(instances), count, 1))
        # Another second model may already have set keypoints of other instances.
        if instances.keypoints is not None and instances.keypoints.shape[1] == count:
            keypoints[:] = instances.keypoints
        for number, points in zip(chosen.tolist(), found, strict=True):
            if points is not None:
                keypoints[number] = points
        return replace(instances, keypoints=keypoints)

    def _with_attributes(
        self, instances: Instances, chosen: Array, results: Sequence[Outputs]
    ) -> Instances:
        """Set the attributes of the chosen instances; others get an empty text."""
        texts: dict[str, Array] = {}
        for number, outputs in zip(chosen.tolist(), results, strict=True):
            # One crop at a time, because the sizes of the outputs can depend on the crop.
            one = replace(instances.take(np.array([number])), rows=np.zeros(1, int), attributes={})
            for attribute in self._second.attributes:
                one = attribute(one, outputs.tensors)
            for name, values in one.attributes.items():
                if name not in texts:
                    known = instances.attributes.get(name, np.full(len(instances), ""))
                    texts[name] = known.astype(object)
                texts[name][number] = values[0]
        for name, values in texts.items():
            instances = instances.with_attribute(name, values)
        return instances


def _with_some_keypoints(instances: Instances) -> Instances:
    """Return the instances with their keypoints, or with zero keypoints each if they have none."""
    if instances.keypoints is not None:
        return instances
    return replace(instances, keypoints=np.zeros((len(instances), 0, 3)))


def _window(
    box: Array, expand: float, aspect: float | None, size: Size
) -> tuple[int, int, int, int]:
    """Return the crop around a box: left, top, right, bottom (exclusive), never empty."""
    x1, y1, x2, y2 = box.tolist()
    width, height = (x2 - x1) * expand, (y2 - y1) * expand
    if aspect is not None:
        width, height = max(width, height * aspect), max(height, width / aspect)
    grow_x, grow_y = (width - (x2 - x1)) / 2, (height - (y2 - y1)) / 2
    left = min(max(floor(x1 - grow_x), 0), size[1] - 1)
    top = min(max(floor(y1 - grow_y), 0), size[0] - 1)
    right = max(min(ceil(x2 + grow_x), size[1]), left + 1)
    bottom = max(min(ceil(y2 + grow_y), size[0]), top + 1)
    return left, top, right, bottom
