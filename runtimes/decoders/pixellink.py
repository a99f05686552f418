"""Text detection by PixelLink: instances from text pixels and links between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.outputs import sigmoid, span_outside_unit, take
from runtimes.decoders.regions import MapLayout, Window, grid_of, nearest, on_image, visible_window
from runtimes.decoders.roles import Role, resolve
from runtimes.errors import BadModel, Fault
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.masks import RegionMasks
from runtimes.rotated import bounds, enclosing
from runtimes.signature import Signature
from runtimes.step import Capability, Count, Decoder, Fraction
from runtimes.view import View

_NEIGHBOURS = ((-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1))
"""Offset in columns and rows of the neighbor of each pair of link channels, as in PixelLink's own
code."""
_PIXELS, _LINKS = 2, 2 * len(_NEIGHBOURS)
_NO_INSTANCE = -1
"""The instance number of pixels outside of text."""

_PIXELS_ROLE = Role(
    "pixels",
    f"[1, {_PIXELS}, h, w] or [1, h, w, {_PIXELS}], text or not",
    ("segm", "pixel", "cls"),
    ((1, _PIXELS, None, None), (1, None, None, _PIXELS)),
)
_LINKS_ROLE = Role(
    "links",
    f"[1, {_LINKS}, h, w] or [1, h, w, {_LINKS}], links to {len(_NEIGHBOURS)} neighbors",
    ("link",),
    ((1, _LINKS, None, None), (1, None, None, _LINKS)),
)


@dataclass(frozen=True, slots=True)
class Pixellink(Decoder):
    """Text detection by PixelLink, such as OpenVINO's text-detection-0003 and 0004.

    Two outputs: text or not for each pixel, [1, 2, h, w] or [1, h, w, 2], and linked or not for
    each of its eight neighbors in reading order, [1, 16, h, w] or [1, h, w, 16]; "no" is before
    "yes". Two text pixels belong to one instance if either has a link to the other. The instances
    have class 0, masks and oriented boxes. The score is the mean probability of the pixels. Source:
    Deng et al., "PixelLink: Detecting Scene Text via Instance Segmentation", 2018.

    Example:
        - pixellink: {pixel_level: 0.7, link_level: 0.7}
    """

    space: ClassVar[Literal["input", "image"]] = "image"

    pixels: str | None = None
    """Name of the output with the text pixels. Default: recognized by its shape."""
    links: str | None = None
    """Name of the output with the links. Default: recognized by its shape."""
    pixel_level: Fraction = 0.8
    """Probability above which a pixel is text."""
    link_level: Fraction = 0.8
    """Probability above which a link joins two text pixels."""
    activated: bool = False
    """Whether the softmax of each "no" and "yes" pair is in the graph."""
    min_area: Count = 300
    """Minimum area of an instance, in pixels of the image. The default is PixelLink's own."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"masks", "oriented"})

    def bind(self, signature: Signature, classes: Classes) -> "Pixellink":
        """See Decoder.bind."""
        found = resolve(
            signature,
            [
                (_PIXELS_ROLE, self.pixels or _of_channels(signature, _PIXELS)),
                (_LINKS_ROLE, self.links or _of_channels(signature, _LINKS)),
            ],
            hint="use `dbnet` for a single probability map, [1, 1, h, w]",
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
        # The limits are rounded to the precision of the values.
        kinds = [values.dtype.type if self.activated else np.float32 for values in (pixels, links)]
        text = self._probability(pixels[0], "pixels")[..., 0]
        rows, columns = np.nonzero(text > np.float32(kinds[0](self.pixel_level)))
        confidence = text[rows, columns]
        linked = self._probability(links[0, rows, columns], "links")
        linked = linked > np.float32(kinds[1](self.link_level))
        parts = _components(*_linked(rows, columns, linked, text.shape), len(rows))

        window = visible_window(view)
        to_grid = grid_of(view, text.shape[0], text.shape[1], self.name())
        xs, ys = _cells_of(to_grid, window, text.shape)
        # The first and the last pixel of each column and row of cells.
        across = np.searchsorted(xs, np.arange(text.shape[1] + 1)) + window[0]
        down = np.searchsorted(ys, np.arange(text.shape[0] + 1)) + window[1]
        sides = np.stack([across[columns], down[rows], across[columns + 1], down[rows + 1]], axis=1)

        areas = np.bincount(parts, (sides[:, 2] - sides[:, 0]) * (sides[:, 3] - sides[:, 1]))
        scores = np.bincount(parts, confidence) / np.bincount(parts)
        above = scores.astype(np.float32) > np.float32(kinds[0](threshold))
        kept = np.flatnonzero(above & (areas >= self.min_area))

        numbers = np.full(len(areas), _NO_INSTANCE, np.int32)
        numbers[kept] = np.arange(len(kept))
        regions = np.full(text.shape, _NO_INSTANCE, np.int32)
        regions[rows, columns] = numbers[parts]
        rotated = _rectangles(sides, numbers[parts], len(kept))
        regions = on_image(regions.take(ys, axis=0).take(xs, axis=1), view, window, _NO_INSTANCE)
        return Instances.of(
            bounds(rotated),
            scores[kept],
            np.zeros(len(kept)),
            rotated=rotated,
            masks=RegionMasks(regions, np.arange(len(kept))),
        )

    def _probability(self, values: Array, key: str) -> Array:
        """Return the probability of "yes" of each pair: (..., 2 * P) -> (..., P) float32.

        Raises:
            BadModel: `activated` is set and the values are not in 0..1.
        """
        no, yes = values[..., 0::2].astype(np.float32), values[..., 1::2].astype(np.float32)
        if not self.activated:
            with np.errstate(invalid="ignore"):  # NaN exceeds no threshold
                return sigmoid(yes - no)
        span = span_outside_unit(yes)
        if span:
            raise BadModel(
                f"the model's {key} are not probabilities, which `{self.name()}` expects",
                where="activated",
                found=f"values {span}",
                allowed="values from 0 to 1",
                hint="remove `activated` if the softmax is not in the graph",
            )
        return yes.clip(0, 1)


def _of_channels(signature: Signature, count: int) -> str | None:
    """Return the name of the only output with `count` channels, in either layout."""
    found = [
        tensor.name
        for tensor in signature.outputs
        if len(tensor.shape) == 4 and count in (tensor.shape[1], tensor.shape[3])
    ]
    return found[0] if len(found) == 1 else None


def _layout(pixels: Sequence[int | None], links: Sequence[int | None]) -> MapLayout:
    """Return the common layout of both outputs.

    Raises:
        BadModel: there is none.
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
        "`pixellink` decodes pixels and links of the same size, got "
        + " and ".join(f"[{shape}]" for shape in shapes),
        where="pixels",
        allowed=f"[1, {_PIXELS}, h, w] and [1, {_LINKS}, h, w], "
        f"or [1, h, w, {_PIXELS}] and [1, h, w, {_LINKS}]",
        fault=Fault.OUTPUT_LAYOUT,
    )


def _linked(
    rows: Array, columns: Array, linked: Array, shape: tuple[int, ...]
) -> tuple[Array, Array]:
    """Return the text cells at both ends of each link between two text cells.

    Args:
        rows: (N,) of the text cells.
        columns: (N,) of the text cells.
        linked: (N, 8) whether a cell has a link to each neighbor.
        shape: of the grid.

    Returns:
        (L,) and (L,), indexes of text cells.
    """
    # With a margin, each cell has eight neighbors.
    numbers = np.full((shape[0] + 2, shape[1] + 2), _NO_INSTANCE)
    numbers[rows + 1, columns + 1] = np.arange(len(rows))
    steps = np.array(_NEIGHBOURS)
    others = numbers[rows[:, None] + 1 + steps[:, 1], columns[:, None] + 1 + steps[:, 0]]
    ends, directions = np.nonzero(linked & (others != _NO_INSTANCE))
    return ends, others[ends, directions]


def _components(one: Array, other: Array, count: int) -> Array:
    """Return the connected component of each of `count` cells, by union-find.

    Each cell points to a cell with a lower index, or to itself. Each round makes the root of one
    end of every link point to the lower root of the other end, then compresses all paths. Few
    rounds are needed.

    Args:
        one: (L,) indexes of cells.
        other: (L,) indexes of the cells that they are linked with.
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
    """Return the cell's column for each column of pixels of a window, and likewise for rows."""
    left, top, right, bottom = window
    columns = nearest(np.arange(shape[1])[None], to_grid, (left, 0, right, 1))[0]
    rows = nearest(np.arange(shape[0])[:, None], to_grid, (0, top, 1, bottom))[:, 0]
    return columns, rows


def _rectangles(sides: Array, numbers: Array, count: int) -> Array:
    """Return the smallest oriented box around the cells of each instance.

    Args:
        sides: (N, 4) x1 y1 x2 y2 of the cells, pixels of the image.
        numbers: (N,) the instance of each cell, or _NO_INSTANCE.
        count: of instances.

    Returns:
        (count, 5), see runtimes.rotated.
    """
    seen = (sides[:, 2:] > sides[:, :2]).all(axis=1) & (numbers != _NO_INSTANCE)
    order = np.flatnonzero(seen)[np.argsort(numbers[seen], kind="stable")]
    points = sides[order][:, [[0, 1], [2, 1], [2, 3], [0, 3]]].astype(np.float32)
    found = np.zeros((count, 5))
    ends = np.searchsorted(numbers[order], np.arange(count + 1))
    for number in range(count):
        found[number] = enclosing(points[ends[number] : ends[number + 1]].reshape(-1, 2))
    return found
