"""Semantic segmentation: a class for each pixel."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.outputs import check_task, probabilities, take
from runtimes.decoders.regions import (
    NOTHING,
    MapLayout,
    best_classes,
    certainty_of,
    fitting_layout,
    foreground,
    grid_of,
    instances_of,
    layout_of,
    nearest,
    on_image,
    seen_part,
)
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.masks import sample
from runtimes.signature import Signature, Tensor
from runtimes.step import Capability, Count, Decoder, Fraction
from runtimes.view import View

_BACKGROUND = {"background", "bg", "void", "unlabeled", "unlabelled", "ignore", "none", "other"}


def _named_background(signature: Signature) -> int | None:
    """0, or None where the metadata's names give class 0 to something else.

    Ultralytics' files name their classes, {0: 'road', ...}, and have a background only where
    somebody trained one.
    """
    first = re.search(r"(?<!\d)0\s*:\s*['\"]([^'\"]*)", signature.metadata.get("names", ""))
    return 0 if first is None or first[1].strip(" _").lower() in _BACKGROUND else None


@dataclass(frozen=True, slots=True)
class Semantic(Decoder):
    """A class for each pixel: logits, finished class numbers, or the probability of one class.

    Logits or probabilities are [1, classes, h, w] or [1, h, w, classes]; they are interpolated to
    the image, then the highest wins. Class numbers are integers [1, h, w], [1, 1, h, w] or
    [1, h, w, 1]. The probability of a single class, 0, is [1, 1, h, w], [1, h, w, 1] or [1, h, w].
    A region's score is the mean over its pixels of the probability of the best class; of finished
    class numbers it is 1.

    Example:
        - semantic: {per: component, background: null, min_area: 100}
    """

    space: ClassVar[Literal["input", "image"]] = "image"

    output: str | None = None
    """The output's name. Default: the only one with three or four axes."""
    per: Literal["class", "component"] = "class"
    """What becomes an instance: all pixels of a `class`, or each connected `component` of them."""
    background: int | Literal["auto"] | None = "auto"
    """The class that yields nothing, as the model counts; `null` for none. Default: 0, and none
    where the model's metadata give class 0 a name that is not a background's."""
    activation: Literal["softmax", "sigmoid", "none"] | None = None
    """What makes probabilities of the output. Default: `softmax` for several classes, `none` for
    one."""
    level: Fraction = 0.5
    """The probability above which a pixel belongs to the class, where there is only one."""
    min_area: Count = 16
    """The least area of an instance, in pixels of the image."""
    layout: MapLayout | None = None
    """Where the channels are: `nchw` or `nhwc`. Default: told from the shapes of output and
    input."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"masks"})

    def bind(self, signature: Signature, classes: Classes) -> "Semantic":
        """See Decoder.bind."""
        tensor = signature.output(
            self.output, rank=(3, 4), role="[1, classes, height, width] or [1, height, width]"
        )
        check_task(signature, tensor, "semantic")
        background = self.background
        if background == "auto":
            background = _named_background(signature)
        bound = replace(self, output=tensor.name, background=background)
        if tensor.shape[0] not in (1, None) or len(tensor.shape) not in (3, 4):
            raise BadModel(
                f"the output {tensor} does not hold a map of one image",
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
        certainty: Array | None = None
        background = 0 if self.background == "auto" else self.background
        window = seen_part(view)
        to_grid = grid_of(view, planes.shape[1], planes.shape[2], self.name())
        if planes.dtype.kind in "iub":
            if len(planes) != 1:
                raise BadModel(
                    f"`{self.name()}` decodes integers [1, h, w], got {list(values.shape)}",
                    where="output",
                )
            winner = on_image(nearest(planes[0], to_grid, window), view, window, NOTHING)
        elif len(planes) == 1:
            kind: Literal["none", "sigmoid"] = "sigmoid" if self.activation == "sigmoid" else "none"
            sure = probabilities(planes[0], kind, self.name())
            winner, certainty = foreground(sure, self.level, view, self.name())
            background = None
        else:
            planes = np.ascontiguousarray(planes, np.float32)
            sure = certainty_of(planes, self.activation or "softmax", self.name())
            certainty = on_image(sample(sure, to_grid, window), view, window, 0)
            winner = on_image(best_classes(planes, to_grid, window), view, window, NOTHING)
        return instances_of(
            winner,
            certainty,
            background=background,
            components=self.per == "component",
            min_area=self.min_area,
            threshold=threshold,
        )


def _check_one(tensor: Tensor, channels: int | None) -> None:
    """Stop where integers come in several channels.

    Raises:
        BadModel: they do.
    """
    if channels not in (1, None):
        raise BadModel(
            f"the output {tensor} has {channels} channels of integers; class numbers have one",
            where="output",
            allowed="integers [1, h, w], [1, 1, h, w] or [1, h, w, 1]",
            fault=Fault.OUTPUT_LAYOUT,
        )
