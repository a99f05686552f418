"""Text from a map of where text is and of which of its pixels belong together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import radians
from typing import ClassVar, Literal

import cv2
import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.outputs import sigmoid, span_outside_unit, take
from runtimes.decoders.regions import MapLayout, Window, grid_of, nearest, on_image, seen_part
from runtimes.decoders.roles import Role, resolve
from runtimes.errors import BadModel, Fault
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.masks import RegionMasks
from runtimes.rotated import bounds
from runtimes.signature import Signature
from runtimes.step import Capability, Count, Decoder, Fraction
from runtimes.view import View

_NEIGHBOURS = ((-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1))
"""Columns and rows to the neighbour that each pair of link channels is about, as in PixelLink's
own code."""
_PIXELS, _LINKS = 2, 2 * len(_NEIGHBOURS)
_NOWHERE = -1
"""The number of what belongs to no text."""

_PIXELS_ROLE = Role(
    "pixels",
    f"[1, {_PIXELS}, h, w] or [1, h, w, {_PIXELS}], text or not",
    ("segm", "pixel", "cls"),
    ((1, _PIXELS, None, None), (1, None, None, _PIXELS)),
)
_LINKS_ROLE = Role(
    "links",
    f"[1, {_LINKS}, h, w] or [1, h, w, {_LINKS}], links to {len(_NEIGHBOURS)} neighbours",
    ("link",),
    ((1, _LINKS, None, None), (1, None, None, _LINKS)),
)


@dataclass(frozen=True, slots=True)
class Pixellink(Decoder):
    """PixelLink's text detection, such as text-detection-0003 and 0004. Class 0, masks, oriented.

    Two outputs: whether a pixel is text, [1, 2, h, w] or [1, h, w, 2], no before yes, and whether
    it belongs together with each of its eight neighbours, [1, 16, h, w] or [1, h, w, 16], in the
    order of reading, no before yes. Pixels of text are one instance where a link of either joins
    them. The score is the mean probability of its pixels. Source: Deng et al., "PixelLink:
    Detecting Scene Text via Instance Segmentation", 2018.

    Example:
        - pixellink: {pixel_level: 0.7, link_level: 0.7}
    """

    space: ClassVar[Literal["input", "image"]] = "image"

    pixels: str | None = None
    """The name of the output that says which pixels are text. Default: known by its shape."""
    links: str | None = None
    """The name of the output with the links. Default: known by its shape."""
    pixel_level: Fraction = 0.8
    """The probability above which a pixel is text."""
    link_level: Fraction = 0.8
    """The probability above which a link joins two pixels of text."""
    activated: bool = False
    """Whether the softmax of each pair, no and yes, is in the graph."""
    min_area: Count = 300
    """The least area of an instance, in pixels of the image. Default: PixelLink's own."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"masks", "oriented"})

    def bind(self, signature: Signature, classes: Classes) -> "Pixellink":
        """See Decoder.bind."""
        found = resolve(
            signature,
            [
                (_PIXELS_ROLE, self.pixels or _of_channels(signature, _PIXELS)),
                (_LINKS_ROLE, self.links or _of_channels(signature, _LINKS)),
            ],
            hint="`dbnet` is for a probability of text alone, [1, 1, h, w]",
        )
        pixels, links = (tensor for tensor in found if tensor is not None)
        _layout(pixels.shape, links.shape)
        classes.check(1, f"{pixels}: text")
        return replace(self, pixels=pixels.name, links=links.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        pixels, links = take(outputs, self.pixels), take(outputs, self.links)
        if _layout(pixels.shape, links.shape) == "nchw":
            pixels, links = pixels.transpose(0, 2, 3, 1), links.transpose(0, 2, 3, 1)
        # The limits have the precision of what they are compared with.
        kinds = [values.dtype.type if self.activated else np.float32 for values in (pixels, links)]
        text = self._probability(pixels[0], "pixels")[..., 0]
        rows, columns = np.nonzero(text > np.float32(kinds[0](self.pixel_level)))
        certainty = text[rows, columns]
        linked = self._probability(links[0, rows, columns], "links")
        linked = linked > np.float32(kinds[1](self.link_level))
        parts = _components(*_joined(rows, columns, linked, text.shape), len(rows))

        window = seen_part(view)
        to_grid = grid_of(view, text.shape[0], text.shape[1], self.name())
        xs, ys = _cells_of(to_grid, window, text.shape)
        # Where the pixels of a column or row of cells begin, and end.
        across = np.searchsorted(xs, np.arange(text.shape[1] + 1)) + window[0]
        down = np.searchsorted(ys, np.arange(text.shape[0] + 1)) + window[1]
        sides = np.stack([across[columns], down[rows], across[columns + 1], down[rows + 1]], axis=1)

        areas = np.bincount(parts, (sides[:, 2] - sides[:, 0]) * (sides[:, 3] - sides[:, 1]))
        scores = np.bincount(parts, certainty) / np.bincount(parts)
        above = scores.astype(np.float32) > np.float32(kinds[0](threshold))
        kept = np.flatnonzero(above & (areas >= self.min_area))

        numbers = np.full(len(areas), _NOWHERE, np.int32)
        numbers[kept] = np.arange(len(kept))
        regions = np.full(text.shape, _NOWHERE, np.int32)
        regions[rows, columns] = numbers[parts]
        rotated = _rectangles(sides, numbers[parts], len(kept))
        regions = on_image(regions.take(ys, axis=0).take(xs, axis=1), view, window, _NOWHERE)
        return Instances.of(
            bounds(rotated),
            scores[kept],
            np.zeros(len(kept)),
            rotated=rotated,
            masks=RegionMasks(regions, np.arange(len(kept))),
        )

    def _probability(self, values: Array, key: str) -> Array:
        """How likely each pair means yes: (..., 2 * P) -> (..., P) float32.

        Raises:
            BadModel: the values are to be probabilities already, and are none.
        """
        no, yes = values[..., 0::2].astype(np.float32), values[..., 1::2].astype(np.float32)
        if not self.activated:
            with np.errstate(invalid="ignore"):  # what is then not a number exceeds no level
                return sigmoid(yes - no)
        span = span_outside_unit(yes)
        if span:
            raise BadModel(
                f"`{self.name()}` takes the model's {key} for probabilities, but they are none",
                where="activated",
                found=f"values {span}",
                allowed="values from 0 to 1",
                hint="leave `activated` out if the graph ends before the softmax",
            )
        return yes.clip(0, 1)


def _of_channels(signature: Signature, count: int) -> str | None:
    """The name of the only output that has `count` channels for certain, wherever they are."""
    found = [
        tensor.name
        for tensor in signature.outputs
        if len(tensor.shape) == 4 and count in (tensor.shape[1], tensor.shape[3])
    ]
    return found[0] if len(found) == 1 else None


def _layout(pixels: Sequence[int | None], links: Sequence[int | None]) -> MapLayout:
    """Where both outputs have their channels.

    Raises:
        BadModel: they do not fit together.
    """

    def fit(channels: int, height: int) -> bool:
        axes = zip((pixels, links), (_PIXELS, _LINKS), strict=True)
        return (
            len(pixels) == len(links) == 4
            and all(it[0] in (1, None) and it[channels] in (count, None) for it, count in axes)
            and all(
                pixels[axis] == links[axis] or None in (pixels[axis], links[axis])
                for axis in (height, height + 1)
            )
        )

    if fit(1, 2):
        return "nchw"
    if fit(3, 1):
        return "nhwc"
    shapes = [
        ", ".join("?" if size is None else str(size) for size in it) for it in (pixels, links)
    ]
    raise BadModel(
        "`pixellink` decodes pixels and links of one grid, got "
        + " and ".join(f"[{shape}]" for shape in shapes),
        where="pixels",
        allowed=f"[1, {_PIXELS}, h, w] and [1, {_LINKS}, h, w], "
        f"or [1, h, w, {_PIXELS}] and [1, h, w, {_LINKS}]",
        fault=Fault.OUTPUT_LAYOUT,
    )


def _joined(
    rows: Array, columns: Array, linked: Array, shape: tuple[int, ...]
) -> tuple[Array, Array]:
    """The cells at both ends of each link between two cells of text.

    Args:
        rows: (N,) of the cells of text.
        columns: (N,).
        linked: (N, 8) whether a cell has a link to each neighbour.
        shape: of the grid.

    Returns:
        (L,) and (L,), numbers of cells of text.
    """
    # A margin, so that each cell has all its neighbours.
    numbers = np.full((shape[0] + 2, shape[1] + 2), _NOWHERE)
    numbers[rows + 1, columns + 1] = np.arange(len(rows))
    steps = np.array(_NEIGHBOURS)
    others = numbers[rows[:, None] + 1 + steps[:, 1], columns[:, None] + 1 + steps[:, 0]]
    ends, directions = np.nonzero(linked & (others != _NOWHERE))
    return ends, others[ends, directions]


def _components(one: Array, other: Array, count: int) -> Array:
    """Which of `count` cells are connected.

    Every cell points to one with a lower number, or to itself. In each round the cell that another
    part's cells point to is made to point to the lower of the two, and all pointers are followed to
    their ends; parts vanish so fast that a few rounds do.

    Args:
        one: (L,) numbers of cells.
        other: (L,) numbers of the cells that they are joined with.
        count: of cells.

    Returns:
        (count,) numbers of components from 0, in the order of their first cells.
    """
    lowest = np.arange(count)
    while True:
        apart = lowest[one] != lowest[other]
        if not apart.any():
            return np.unique(lowest, return_inverse=True)[1]
        one, other = one[apart], other[apart]
        ends = lowest[one], lowest[other]
        np.minimum.at(lowest, np.maximum(*ends), np.minimum(*ends))
        followed = lowest[lowest]
        while (followed != lowest).any():
            lowest, followed = followed, followed[followed]


def _cells_of(to_grid: Geometry, window: Window, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """The column of the cell for each column of a window's pixels, and the same of rows."""
    left, top, right, bottom = window
    columns = nearest(np.arange(shape[1])[None], to_grid, (left, 0, right, 1))[0]
    rows = nearest(np.arange(shape[0])[:, None], to_grid, (0, top, 1, bottom))[:, 0]
    return columns, rows


def _rectangles(sides: Array, numbers: Array, count: int) -> Array:
    """The least oriented rectangle around the cells of each instance.

    Args:
        sides: (N, 4) x1 y1 x2 y2 of cells, pixels of the image.
        numbers: (N,) the instance of each, _NOWHERE for none.
        count: of instances.

    Returns:
        (count, 5), see runtimes.rotated.
    """
    seen = (sides[:, 2:] > sides[:, :2]).all(axis=1) & (numbers != _NOWHERE)
    order = np.flatnonzero(seen)[np.argsort(numbers[seen], kind="stable")]
    points = sides[order][:, [[0, 1], [2, 1], [2, 3], [0, 3]]].astype(np.float32)
    found = np.zeros((count, 5))
    ends = np.searchsorted(numbers[order], np.arange(count + 1))
    for number in range(count):
        members = points[ends[number] : ends[number + 1]].reshape(-1, 2)
        (x, y), (width, height), angle = cv2.minAreaRect(members)
        if not -45 <= angle < 45:
            # The same rectangle, with the side nearest to the horizontal as its width.
            width, height, angle = height, width, angle - 90 if angle > 0 else angle + 90
        found[number] = x, y, width, height, radians(angle)
    return found
