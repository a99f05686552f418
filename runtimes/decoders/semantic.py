"""Semantic segmentation: one class per pixel."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.outputs import check_task, probabilities, take
from runtimes.decoders.regions import (
    NO_CLASS,
    MapLayout,
    best_classes,
    confidence_of,
    fitting_layout,
    foreground,
    grid_of,
    instances_of,
    joined,
    layout_of,
    nearest,
    on_image,
    visible_window,
)
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.masks import sample
from runtimes.signature import Signature, Tensor
from runtimes.step import Capability, Count, Decoder, Fraction
from runtimes.view import View

_BACKGROUND = {
    "background",
    "bg",
    "void",
    "unlabeled",
    "unlabelled",
    "ignore",
    "ignored",
    "none",
    "nothing",
    "other",
}


def is_background(name: str) -> bool:
    """Return whether a class has the name of a background."""
    return name.strip(" _").lower() in _BACKGROUND


def _background_of(signature: Signature, classes: Classes, unnamed: int | None) -> int | None:
    """Return 0 or None, as the labels or the metadata name class 0.

    Ultralytics' files have class names, {0: 'road', ...}, and a background class only if the model
    was trained with one.

    Args:
        signature: the model's.
        classes: of the labels.
        unnamed: the result if nothing names class 0.
    """
    if classes.zero is not None:
        return 0 if is_background(classes.zero) else None
    names = signature.metadata.get("names", "")
    first = re.search(r"(?:(?<!\d)0['\"]?\s*:|^\s*[\[(])\s*['\"]([^'\"]*)", names)
    if first is None:
        return unnamed
    return 0 if is_background(first[1]) else None


@dataclass(frozen=True, slots=True)
class Semantic(Decoder):
    """Semantic segmentation: logits, class IDs, or the probability of a single class.

    Logits or probabilities are [1, classes, h, w] or [1, h, w, classes]; they are interpolated to
    the image, and the class with the highest value is selected. Class IDs are integers [1, h, w],
    [1, 1, h, w] or [1, h, w, 1]. The probability of a single class, 0, is [1, 1, h, w],
    [1, h, w, 1] or [1, h, w]. An instance's score is the mean probability of its pixels, or 1 for
    class IDs. Independent classes, with a sigmoid each, may overlap: each has the pixels with a
    probability above `level`.

    Example:
        - semantic: {per: component, background: null, min_area: 100}
    """

    space: ClassVar[Literal["input", "image"]] = "image"

    output: str | None = None
    """Name of the output. Default: the only output with three or four axes."""
    per: Literal["class", "component"] = "class"
    """One instance per `class`, or per connected `component` of a class."""
    background: int | Literal["auto"] | None = "auto"
    """Class ID of the background, which gives no instances; `null` for none. Default: none if
    a label has class ID 0, or the model's metadata name class 0, with another name than that of a
    background, or if nothing names class 0 of classes that may overlap; otherwise 0."""
    activation: Literal["softmax", "sigmoid", "none"] | None = None
    """Activation that converts the output to probabilities. Default: `softmax` for several classes,
    `none` for a single class."""
    level: Fraction = 0.5
    """Probability above which a pixel belongs to a class, for models with a single class and for
    classes that may overlap."""
    min_area: Count = 16
    """Minimum area of an instance, in pixels of the image."""
    layout: MapLayout | None = None
    """Layout of the output: `nchw` or `nhwc`. Default: derived from the shapes of output and
    input."""
    overlap: bool | None = None
    """Whether the classes are independent and may overlap. If not, a pixel belongs to the class
    with the highest value. Default: true for `activation: sigmoid`."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"masks"})

    def bind(self, signature: Signature, classes: Classes) -> "Semantic":
        """See Decoder.bind."""
        tensor = signature.output(
            self.output, rank=(3, 4), role="[1, classes, height, width] or [1, height, width]"
        )
        check_task(signature, tensor, "semantic")
        background = self.background
        if background == "auto":
            background = _background_of(signature, classes, 0 if not self._overlaps else None)
        bound = replace(self, output=tensor.name, background=background)
        if tensor.shape[0] not in (1, None) or len(tensor.shape) not in (3, 4):
            raise BadModel(
                f"the output {tensor} is not a map of one image",
                where="output",
                allowed="[1, classes, h, w], [1, h, w, classes] or [1, h, w]",
                fault=Fault.OUTPUT_LAYOUT,
            )
        if len(tensor.shape) == 3:
            channels: int | None = 1
        else:
            wanted = classes.least if classes.exact else None
            layout = self.layout or layout_of(tensor.shape, wanted)
            channels = tensor.shape[1 if layout == "nchw" else 3]
        if np.dtype(tensor.dtype).kind in "iub":
            _check_one(tensor, channels)
        elif channels is not None:
            classes.check(channels, str(tensor))
        return bound

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        values = take(outputs, self.output)
        if values.ndim not in (3, 4) or values.shape[0] != 1 or not values.size:
            raise BadModel(
                f"`{self.name()}` decodes [1, classes, h, w], [1, h, w, classes] or [1, h, w], "
                f"got {list(values.shape)}",
                where="output",
            )
        planes = values
        if values.ndim == 4:
            layout = self.layout or fitting_layout(values.shape, view.input)
            planes = values[0] if layout == "nchw" else values[0].transpose(2, 0, 1)
        confidence: Array | None = None
        background = 0 if self.background == "auto" else self.background
        window = visible_window(view)
        to_grid = grid_of(view, planes.shape[1], planes.shape[2], self.name())
        if planes.dtype.kind in "iub":
            if len(planes) != 1:
                raise BadModel(
                    f"`{self.name()}` decodes integers [1, h, w], got {list(values.shape)}",
                    where="output",
                )
            class_map = on_image(nearest(planes[0], to_grid, window), view, window, NO_CLASS)
        elif len(planes) == 1:
            kind: Literal["none", "sigmoid"] = "sigmoid" if self.activation == "sigmoid" else "none"
            probability = probabilities(planes[0], kind, self.name())
            class_map, confidence = foreground(probability, self.level, view, self.name())
            background = None
        elif self._overlaps:
            return self._overlapping(planes, view, background, threshold)
        else:
            planes = np.ascontiguousarray(planes, np.float32)
            probability = confidence_of(planes, self.activation or "softmax", self.name())
            confidence = on_image(sample(probability, to_grid, window), view, window, 0)
            class_map = on_image(best_classes(planes, to_grid, window), view, window, NO_CLASS)
        return instances_of(
            self.merged(class_map, background),
            confidence,
            background=background,
            components=self.per == "component",
            min_area=self.min_area,
            threshold=threshold,
        )

    @property
    def _overlaps(self) -> bool:
        """Whether the classes may overlap."""
        return self.activation == "sigmoid" if self.overlap is None else self.overlap

    def _overlapping(
        self, planes: Array, view: View, background: int | None, threshold: float
    ) -> Instances:
        """Return the instances of independent classes, (C, h, w) logits or probabilities.

        Raises:
            BadModel: the activation is `none` and the values are not probabilities, or it is
                `softmax`.
        """
        if self.activation == "softmax":
            raise BadModel(
                "classes after a softmax exclude each other",
                where="overlap",
                found="overlap: true, activation: softmax",
                allowed="`activation: sigmoid`, or `none` if the sigmoid is in the graph",
            )
        kind: Literal["none", "sigmoid"] = "sigmoid" if self.activation == "sigmoid" else "none"
        maps: dict[int, tuple[Array, Array]] = {}
        for number, plane in enumerate(planes):
            probability = probabilities(plane, kind, self.name())
            if number == background or not (probability > self.level).any():
                continue
            found, confidence = foreground(probability, self.level, view, self.name())
            own = self.merged(np.where(found == 0, np.int32(number), found), background)
            label = int(own.max())
            if label in maps:
                # Of the classes of one label, the most probable one counts at each pixel.
                own = np.maximum(own, maps[label][0])
                confidence = np.maximum(confidence, maps[label][1])
            maps[label] = own, confidence
        return joined(
            [
                instances_of(
                    own,
                    confidence,
                    background=None,
                    components=self.per == "component",
                    min_area=self.min_area,
                    threshold=threshold,
                )
                for label, (own, confidence) in maps.items()
                if label != NO_CLASS
            ],
            view.image,
        )

    def merged(self, class_map: Array, background: int | None) -> Array:
        """Return the map in which the classes of one label are one class; see MergedSemantic."""
        return class_map


def _check_one(tensor: Tensor, channels: int | None) -> None:
    """Check that an output of class IDs has one channel.

    Raises:
        BadModel: it has several.
    """
    if channels not in (1, None):
        raise BadModel(
            f"the output {tensor} has {channels} channels of integers; class IDs have one",
            where="output",
            allowed="integers [1, h, w], [1, 1, h, w] or [1, h, w, 1]",
            fault=Fault.OUTPUT_LAYOUT,
        )
