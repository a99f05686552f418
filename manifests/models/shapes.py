"""Drawn shapes on cluttered backgrounds, with exact ground truth.

The generator makes the images the small example networks are trained and measured on: circles,
triangles, squares and five-pointed stars over noise, gradients, clutter or photographs.  It needs
numpy and OpenCV only; `load_photos` additionally needs scikit-image and returns nothing without
it.

Coordinate frame, everywhere in this module: pixels of the scene's image, x to the right, y down,
origin at the *outer corner* of the top left pixel.  The pixel in row r and column c covers
[c, c + 1] x [r, r + 1], so its center is (c + 0.5, r + 0.5) and an object that touches all four
borders has the box (0, 0, width, height).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

CLASS_NAMES: Final = ("circle", "triangle", "square", "star")
"""Class i of every scene and network is CLASS_NAMES[i]."""

STAR: Final = 3
"""The class that has keypoints."""

BAR: Final = 4
"""The class of bars, long rectangles in any direction; only scenes that ask for it have any."""

BAR_NAME: Final = "bar"
"""The name of class `BAR`, which is not one of `CLASS_NAMES`."""

KEYPOINT_NAMES: Final = ("top", "right", "lower_right", "lower_left", "left")
"""The tips of a star in the order in which `Scene.keypoints` lists them."""

MIN_VISIBLE: Final = 0.65
"""No object in a scene has a smaller part of its area visible than this."""

TRAIN_SEED: Final = 0
"""Training uses the seeds from here up to (not including) `HELD_OUT_SEED`."""

HELD_OUT_SEED: Final = 1_000_000
"""Measurements use the seeds from here on; no network was trained on them."""

# Photos that show what could be called an object of a class are left out of both lists: coins,
# wheels, a cup, a clock; and "rocket", whose floodlights look like stars.
TRAIN_PHOTOS: Final = ("astronaut", "brick", "camera", "cat", "gravel", "immunohistochemistry")
"""Functions of skimage.data (files inside its wheel) whose photos are training backgrounds."""

HELD_OUT_PHOTOS: Final = ("grass", "page", "rocket")
"""Functions of skimage.data (files inside its wheel) whose photos only measurements use."""

_SUPERSAMPLE: Final = 4
# Glyphs that are no near relatives of a class: O and 0 are circles, A and 4 hold triangles.
_GLYPHS: Final = "BCEFGHJKLMNPRSTUVWXYZ23578"
_STAR_MAX_ROTATION: Final = 25.0


@dataclass(frozen=True, eq=False)
class Scene:
    """One generated image and what is in it; all of it in the module's coordinate frame.

    Attributes:
        seed: The seed the scene was made from.
        image: (height, width, 3) uint8, channels in OpenCV's order blue, green, red.
        boxes: (N, 4) float32, x1 y1 x2 y2: the tight box of the *visible* part of each object.
        classes: (N,) int64, indices into `CLASS_NAMES`, or `BAR`.
        polygons: N arrays (V, 2) float32: the whole outer contour of each object, also where it
            is hidden or outside the image.  Vertices are in drawing order; a circle has 96.
        owners: (height, width) uint8: 0 where no object is visible, i + 1 where object i is on
            top.  The inside of an outlined object belongs to the object.
        visible: (N,) float32 in [MIN_VISIBLE, 1]: visible area / area of the whole contour.
        keypoints: (N, 5, 3) float32: x, y and visibility (1 or 0) of the tips of a star in the
            order of `KEYPOINT_NAMES`; a hidden tip keeps its x and y.  All zero for other classes.
        oriented: (N, 5) float32: the whole rectangle of a bar, also where it is hidden: center x
            and y, length, thickness (not above the length), and the direction of the length in
            radians in [0, pi), clockwise on the screen from the x axis.  All zero for other
            classes.
    """

    seed: int
    image: Image
    boxes: Floats
    classes: Ints
    polygons: tuple[Floats, ...]
    owners: Image
    visible: Floats
    keypoints: Floats
    oriented: Floats

    def __len__(self) -> int:
        """The number of objects, N."""
        return len(self.classes)

    def mask(self, index: int) -> Bools:
        """The visible part of object `index`: (height, width) bool."""
        return np.asarray(self.owners == index + 1)

    def masks(self) -> Bools:
        """The visible parts of all objects: (N, height, width) bool."""
        indices = np.arange(1, len(self) + 1, dtype=np.uint8)
        return np.asarray(self.owners[None] == indices[:, None, None])


def scene(
    seed: int,
    *,
    width: int = 320,
    height: int = 320,
    photos: Sequence[Image] = (),
    max_objects: int = 6,
    max_distractors: int = 5,
    classes: Sequence[int] = (0, 1, 2, 3),
) -> Scene:
    """Make the scene of a seed; the same arguments always make the same scene.

    Args:
        seed: Any non-negative integer.
        width: Image width in pixels, at least 32.
        height: Image height in pixels, at least 32.
        photos: (h, w, 3) uint8 BGR images to cut backgrounds from (see `load_photos`).  They are
            an argument, not looked up here, so that a scene does not depend on what is installed.
        max_objects: The scene holds 0 to this many objects (at most 250); fewer where no room is
            left.  0 gives a scene of background and distractors alone.
        max_distractors: There are 0 to this many things of no class behind the objects.
        classes: The classes to draw from; one that is listed twice comes twice as often.  Where
            `BAR` is among them, no distractor is a bar.

    Returns:
        The scene.  Objects measure about 20 to 160 pixels per 320 pixels of the longer side.
    """
    if width < 32 or height < 32:
        raise ValueError(f"a scene is at least 32 x 32 pixels, not {width} x {height}")
    if not 0 <= max_objects <= 250:
        raise ValueError(f"max_objects is 0 to 250, not {max_objects}")
    rng = np.random.default_rng(seed)
    scale = max(width, height) / 320.0
    canvas = _background(rng, width, height, photos)
    for _ in range(int(rng.integers(0, max_distractors + 1))):
        _draw_distractor(rng, canvas, scale, BAR not in classes)

    owners = np.zeros((height, width), np.uint8)
    kinds: list[int] = []
    polygons: list[Floats] = []
    areas: list[float] = []
    wanted = 0
    if max_objects > 0 and rng.random() >= 0.05:
        wanted = int(rng.integers(1, max_objects + 1))
    overlap = bool(rng.random() < 0.35)
    for _ in range(wanted * 6):
        if len(kinds) == wanted:
            break
        kind = int(rng.choice(np.asarray(classes)))
        polygon, center, inradius = _outline(rng, kind, width, height, scale)
        hollow = bool(rng.random() < 0.25)
        taken = _place(owners, polygon, areas, overlap and not hollow)
        if taken is None:
            continue
        _paint_object(rng, canvas, kind, polygon, center, inradius, hollow, scale)
        kinds.append(kind)
        polygons.append(polygon)
        areas.append(_area(polygon))
        owners[taken] = len(kinds)

    canvas = _degrade(rng, canvas, scale)
    return _describe(seed, canvas, kinds, polygons, areas, owners)


def load_photos(names: Sequence[str]) -> tuple[Image, ...]:
    """Photos that come inside scikit-image's wheel, for the `photos` of `scene`.

    Args:
        names: Names of functions of skimage.data, such as `TRAIN_PHOTOS` or `HELD_OUT_PHOTOS`.

    Returns:
        (h, w, 3) uint8 BGR images in the order of `names`; an empty tuple where scikit-image is
        not installed.  Nothing is downloaded for the names listed in this module.
    """
    try:
        import skimage.data as data
    except ImportError:
        return ()
    photos: list[Image] = []
    for name in names:
        photo: Any = np.asarray(getattr(data, name)(), dtype=np.uint8)
        code = cv2.COLOR_GRAY2BGR if photo.ndim == 2 else cv2.COLOR_RGB2BGR
        photos.append(_u8(cv2.cvtColor(photo, code)))
    return tuple(photos)


# --- objects -------------------------------------------------------------------------------------


def _outline(
    rng: np.random.Generator, kind: int, width: int, height: int, scale: float
) -> tuple[Floats, Floats, float]:
    """A random contour of a class: vertices (V, 2), incenter (2,) and inradius in pixels.

    All shapes but the bar have an inscribed circle that touches every edge, so shrinking the
    contour towards the incenter makes a stroke of even width.
    """
    radius = 0.5 * scale * float(np.exp(rng.uniform(np.log(22.0), np.log(160.0))))
    radius = min(radius, 0.45 * min(width, height))
    turn = float(rng.uniform(0.0, 2.0 * np.pi))
    points: npt.NDArray[Any]
    if kind == 0:
        angles = np.arange(96) * (2.0 * np.pi / 96)
        points = radius * _unit(angles)
        inradius = radius
    elif kind == 1:
        # Equal thirds of the circle, disturbed: every inner angle stays above about 42 degrees.
        thirds = np.arange(3) * (2.0 * np.pi / 3.0) + rng.uniform(-0.28, 0.28, 3)
        points = 1.1 * radius * _unit(thirds + turn)
        sides = np.linalg.norm(np.roll(points, -1, 0) - np.roll(points, -2, 0), axis=1)
        points = points - (sides[:, None] * points).sum(0) / sides.sum()
        inradius = 2.0 * _area(points) / float(sides.sum())
    elif kind == 2:
        points = 1.2 * radius * _unit(np.arange(4) * (np.pi / 2.0) + turn)
        inradius = 1.2 * radius * float(np.cos(np.pi / 4.0))
    elif kind == BAR:
        half = 1.2 * radius
        # At least 7 pixels per 320 thick; a bar that is thinner could be a line of the clutter.
        most = min(5.0, max(1.5, half / (3.5 * scale)))
        inradius = half / float(rng.uniform(1.5, most))
        along, across = (
            half * _unit(np.array([turn])),
            inradius * _unit(np.array([turn + np.pi / 2])),
        )
        points = np.concatenate([along + across, across - along, -along - across, along - across])
    else:
        limit = np.deg2rad(_STAR_MAX_ROTATION)
        tilt = float(rng.uniform(-limit, limit)) - np.pi / 2.0
        inner = float(rng.uniform(0.36, 0.52))
        radii = 1.1 * radius * np.where(np.arange(10) % 2 == 0, 1.0, inner)
        points = radii[:, None] * _unit(np.arange(10) * (np.pi / 5.0) + tilt)
        edge = points[1] - points[0]
        cross = points[0, 0] * edge[1] - points[0, 1] * edge[0]
        inradius = abs(float(cross)) / float(np.linalg.norm(edge))
    margin = 0.6 * radius
    low = np.array([margin, margin])
    center = rng.uniform(low, np.array([width, height]) - low)
    return _f32(points + center), _f32(center), inradius


def _place(owners: Image, polygon: Floats, areas: list[float], overlap: bool) -> Bools | None:
    """The pixels (height, width) bool a new object would own, or None where it does not fit.

    It does not fit where it, or an object that it would hide, would be too little visible.
    """
    height, width = owners.shape
    taken = _coverage(polygon, (0, 0, width, height)) >= 0.5
    if int(taken.sum()) < MIN_VISIBLE * _area(polygon):
        return None
    if not overlap:
        return None if bool(owners[taken].any()) else taken
    left = np.bincount(owners[~taken], minlength=len(areas) + 1)[1 : len(areas) + 1]
    for count, area in zip(left.tolist(), areas, strict=True):
        if count < MIN_VISIBLE * area:
            return None
    return taken


def _paint_object(
    rng: np.random.Generator,
    canvas: Floats,
    kind: int,
    polygon: Floats,
    center: Floats,
    inradius: float,
    hollow: bool,
    scale: float,
) -> None:
    """Draw one object into the canvas (height, width, 3), in place."""
    window = _window(polygon, canvas)
    x1, y1, x2, y2 = window
    region = canvas[y1:y2, x1:x2]
    outer = _coverage(polygon, window)
    inside = outer >= 0.5
    under = region[inside].mean(0) if bool(inside.any()) else np.full(3, 127.0)
    color = _contrasting(rng, under)
    stroke = min(max(2.0 * scale, inradius * float(rng.uniform(0.1, 0.3))), 0.7 * inradius)
    if kind == BAR:
        middles = (polygon + np.roll(polygon, -1, 0)) * 0.5 - center
        outwards = middles / np.linalg.norm(middles, axis=1, keepdims=True)
        # Every corner moves away from both of the edges that meet in it.
        shrunk = _f32(polygon - stroke * (outwards + np.roll(outwards, 1, 0)))
    else:
        shrunk = _f32(center + (1.0 - stroke / inradius) * (polygon - center))
    inner = _coverage(shrunk, window)
    alpha = float(rng.uniform(0.85, 1.0))
    if hollow:
        _blend(region, (outer - inner) * alpha, _f32(color))
        return
    _blend(region, outer * alpha, _fill(rng, color, region.shape[:2]))
    if rng.random() < 0.3:
        _blend(region, (outer - inner) * alpha, _f32(_contrasting(rng, color)))


def _fill(rng: np.random.Generator, color: Floats, shape: tuple[int, ...]) -> Floats:
    """The paint of a filled object: a flat color (3,), a gradient or a texture (h, w, 3)."""
    style = rng.random()
    if style < 0.55:
        return color
    height, width = shape
    if style < 0.85:
        ramp = _ramp(rng, height, width)
        other = np.clip(color + rng.uniform(-70.0, 70.0, 3), 0.0, 255.0)
        return _f32(color + ramp[..., None] * (other - color))
    grain = rng.normal(0.0, 18.0, (max(height // 2, 1), max(width // 2, 1), 1))
    rough = cv2.resize(_f32(grain), (width, height), interpolation=cv2.INTER_NEAREST)
    return _f32(np.clip(color + rough[..., None], 0.0, 255.0))


def _describe(
    seed: int,
    canvas: Floats,
    kinds: list[int],
    polygons: list[Floats],
    areas: list[float],
    owners: Image,
) -> Scene:
    """Read the ground truth off the finished owner map."""
    count = len(kinds)
    height, width = owners.shape
    boxes = np.zeros((count, 4), np.float32)
    visible = np.zeros(count, np.float32)
    keypoints = np.zeros((count, len(KEYPOINT_NAMES), 3), np.float32)
    oriented = np.zeros((count, 5), np.float32)
    for i, (kind, polygon) in enumerate(zip(kinds, polygons, strict=True)):
        mask = owners == i + 1
        columns = np.flatnonzero(mask.any(0))
        rows = np.flatnonzero(mask.any(1))
        boxes[i] = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        visible[i] = min(1.0, float(mask.sum()) / areas[i])
        if kind == BAR:
            along, across = polygon[0] - polygon[1], polygon[1] - polygon[2]
            length, thickness = float(np.linalg.norm(along)), float(np.linalg.norm(across))
            angle = float(np.arctan2(along[1], along[0])) % np.pi
            oriented[i] = (*polygon.mean(0), length, thickness, angle)
        if kind != STAR:
            continue
        keypoints[i, :, :2] = polygon[::2]
        # A tip is a corner, so the pixel under it may belong to the background: look a little
        # further in, where the object is at least two pixels wide.
        probes = polygon[::2] + 0.12 * (polygon.mean(0) - polygon[::2])
        for k, (x, y) in enumerate(np.floor(probes).astype(int).tolist()):
            tip_x, tip_y = polygon[2 * k]
            framed = 0 <= tip_x <= width and 0 <= tip_y <= height
            owned = 0 <= x < width and 0 <= y < height and bool(mask[y, x])
            keypoints[i, k, 2] = float(framed and owned)
    return Scene(
        seed=seed,
        image=_u8(np.clip(np.rint(canvas), 0, 255).astype(np.uint8)),
        boxes=boxes,
        classes=np.asarray(kinds, dtype=np.int64),
        polygons=tuple(polygons),
        owners=owners,
        visible=visible,
        keypoints=keypoints,
        oriented=oriented,
    )


# --- backgrounds and distractors -----------------------------------------------------------------


def _background(
    rng: np.random.Generator, width: int, height: int, photos: Sequence[Image]
) -> Floats:
    """A background (height, width, 3) float32, 0 to 255."""
    if photos and rng.random() < 0.4:
        return _photo(rng, photos[int(rng.integers(len(photos)))], width, height)
    base = rng.uniform(0.0, 255.0, 3)
    style = rng.random()
    if style < 0.35:
        ramp = _ramp(rng, height, width)
        canvas = base + ramp[..., None] * (rng.uniform(0.0, 255.0, 3) - base)
    elif style < 0.75:
        # Clouds: coarse noise, enlarged.
        cells = int(rng.integers(3, 24))
        coarse = _f32(rng.normal(0.0, float(rng.uniform(5.0, 45.0)), (cells, cells, 3)))
        clouds = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        canvas = base + clouds
    else:
        canvas = np.broadcast_to(base, (height, width, 3))
    result = _f32(np.clip(canvas, 0.0, 255.0))
    if rng.random() < 0.4:
        for _ in range(int(rng.integers(4, 16))):
            _draw_stripe(rng, result)
    return result


def _photo(rng: np.random.Generator, photo: Image, width: int, height: int) -> Floats:
    """A random crop of a photo, resized to (height, width, 3), with its colors disturbed."""
    rows, columns = photo.shape[:2]
    zoom = min(rows / height, columns / width) * float(rng.uniform(0.5, 1.0))
    h, w = max(int(height * zoom), 1), max(int(width * zoom), 1)
    y, x = int(rng.integers(0, rows - h + 1)), int(rng.integers(0, columns - w + 1))
    method = cv2.INTER_AREA if zoom > 1.0 else cv2.INTER_LINEAR
    crop = cv2.resize(photo[y : y + h, x : x + w], (width, height), interpolation=method)
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    gain = rng.uniform(0.6, 1.2) * rng.uniform(0.85, 1.15, 3)
    return _f32(np.clip(_f32(crop) * gain + rng.uniform(-20.0, 20.0), 0.0, 255.0))


def _draw_stripe(rng: np.random.Generator, canvas: Floats) -> None:
    """One long straight stripe through the canvas, in place."""
    height, width = canvas.shape[:2]
    ends = rng.uniform(-0.2, 1.2, (2, 2)) * (width, height)
    (x1, y1), (x2, y2) = np.rint(ends).astype(int).tolist()
    color = rng.uniform(0.0, 255.0, 3).tolist()
    thickness = max(int(rng.uniform(0.003, 0.03) * max(width, height)), 1)
    cv2.line(canvas, (x1, y1), (x2, y2), color, thickness, cv2.LINE_AA)


def _draw_distractor(rng: np.random.Generator, canvas: Floats, scale: float, bars: bool) -> None:
    """Something that is no object of any class, in place; a bar only where `bars`."""
    height, width = canvas.shape[:2]
    size = scale * float(np.exp(rng.uniform(np.log(16.0), np.log(110.0))))
    center = rng.uniform((0.0, 0.0), (float(width), float(height)))
    color = _f32(rng.uniform(0.0, 255.0, 3))
    turn = float(rng.uniform(0.0, 2.0 * np.pi))
    style = int(rng.integers(0, 8))
    if style == 5 and not bars:
        style = 4
    if style == 0:  # line, straight or broken
        steps = rng.uniform(-size, size, (int(rng.integers(2, 5)), 2))
        corners = np.rint(center + steps).astype(np.int32)
        thickness = max(int(rng.uniform(1.0, 4.0) * scale), 1)
        cv2.polylines(canvas, [corners], False, color.tolist(), thickness, cv2.LINE_AA)
        return
    if style == 1:  # text
        text = "".join(rng.choice(list(_GLYPHS), int(rng.integers(1, 7))).tolist())
        origin = (int(center[0] - size / 2), int(center[1]))
        thickness = max(int(size / 20.0), 1)
        font = cv2.FONT_HERSHEY_SIMPLEX
        drawn = np.zeros((height, width), np.uint8)
        cv2.putText(drawn, text, origin, font, size / 50.0, 255, thickness, cv2.LINE_AA)
        _blend(canvas, _f32(drawn) / 255.0, color)
        return
    angles = np.arange(64) * (2.0 * np.pi / 64)
    points: npt.NDArray[Any]
    if style in (2, 3):  # ellipse, far from round
        points = 0.5 * size * _unit(angles) * (1.0, float(rng.uniform(0.2, 0.55)))
    elif style == 4:  # cross
        a, b = 0.5 * size, 0.5 * size * float(rng.uniform(0.15, 0.45))
        quarter = np.array([[a, -b], [a, b], [b, b]])
        spin = np.array([[0.0, 1.0], [-1.0, 0.0]])
        points = np.concatenate([quarter @ np.linalg.matrix_power(spin, k) for k in range(4)])
    elif style == 5:  # bar, far from square
        a, b = 0.5 * size, 0.5 * size * float(rng.uniform(0.1, 0.45))
        points = np.array([[a, b], [-a, b], [-a, -b], [a, -b]])
    elif style == 6:  # half disc
        points = 0.5 * size * _unit(angles[:33])
    else:  # blob
        waves = sum(
            float(rng.uniform(0.12, 0.25)) * np.cos(k * angles + rng.uniform(0.0, 2.0 * np.pi))
            for k in (2, 3, 5)
        )
        points = 0.45 * size * (1.0 + waves)[:, None] * _unit(angles)
    c, s = np.cos(turn), np.sin(turn)
    polygon = _f32(points @ np.array([[c, s], [-s, c]]) + center)
    window = _window(polygon, canvas)
    x1, y1, x2, y2 = window
    cover = _coverage(polygon, window)
    if rng.random() < 0.3:
        thin = cv2.erode(cover, np.ones((3, 3), np.uint8), iterations=max(int(2 * scale), 1))
        cover = _f32(cover - thin)
    _blend(canvas[y1:y2, x1:x2], cover * float(rng.uniform(0.7, 1.0)), color)


def _degrade(rng: np.random.Generator, canvas: Floats, scale: float) -> Floats:
    """Blur and noise over the whole finished picture."""
    result = canvas
    if rng.random() < 0.4:
        result = _f32(cv2.GaussianBlur(result, (0, 0), scale * float(rng.uniform(0.3, 1.0))))
    if rng.random() < 0.6:
        noise = rng.standard_normal(result.shape, dtype=np.float32)
        result = _f32(result + noise * float(rng.uniform(1.0, 12.0)))
    return result


# --- helpers -------------------------------------------------------------------------------------


def _coverage(polygon: Floats, window: tuple[int, int, int, int]) -> Floats:
    """How much of each pixel a polygon (V, 2) covers: (y2 - y1, x2 - x1) float32 in 0..1.

    Drawn enlarged and averaged: OpenCV's own anti-aliasing makes a filled polygon half a pixel
    too large on every side.
    """
    x1, y1, x2, y2 = window
    width, height = x2 - x1, y2 - y1
    if width <= 0 or height <= 0:
        return np.zeros((max(height, 0), max(width, 0)), np.float32)
    # Only the part of the window that the polygon touches is drawn enlarged.
    low = np.clip(np.floor(polygon.min(0)).astype(int) - 1, (x1, y1), (x2, y2))
    high = np.clip(np.ceil(polygon.max(0)).astype(int) + 1, (x1, y1), (x2, y2))
    w, h = (high - low).tolist()
    cover = np.zeros((height, width), np.float32)
    if w <= 0 or h <= 0:
        return cover
    large = np.zeros((h * _SUPERSAMPLE, w * _SUPERSAMPLE), np.uint8)
    # OpenCV puts pixel centers, not corners, at whole numbers; 4 fractional bits.
    points = np.rint(((polygon - low) * _SUPERSAMPLE - 0.5) * 16.0).astype(np.int32)
    cv2.fillPoly(large, [points], 255, cv2.LINE_8, 4)
    small = cv2.resize(large, (w, h), interpolation=cv2.INTER_AREA)
    left, top = (low - (x1, y1)).tolist()
    cover[top : top + h, left : left + w] = _f32(small) / 255.0
    return cover


def _window(polygon: Floats, canvas: Floats) -> tuple[int, int, int, int]:
    """The whole pixels around a polygon, clipped to the canvas: x1, y1, x2, y2 (maybe empty)."""
    height, width = canvas.shape[:2]
    low = np.clip(np.floor(polygon.min(0)).astype(int) - 1, 0, (width, height))
    high = np.clip(np.ceil(polygon.max(0)).astype(int) + 1, 0, (width, height))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _blend(region: Floats, alpha: Floats, paint: Floats) -> None:
    """Mix paint (3,) or (h, w, 3) into a region (h, w, 3) by alpha (h, w), in place."""
    region += alpha[..., None] * (paint - region)


def _contrasting(rng: np.random.Generator, color: Floats) -> Floats:
    """A random color (3,) well apart from another one."""
    best, distance = _f32(rng.uniform(0.0, 255.0, 3)), -1.0
    for _ in range(8):
        candidate = _f32(rng.uniform(0.0, 255.0, 3))
        apart = float(np.linalg.norm(candidate - color))
        if apart > distance:
            best, distance = candidate, apart
        if apart > 100.0:
            break
    return best


def _ramp(rng: np.random.Generator, height: int, width: int) -> Floats:
    """A linear gradient from 0 to 1 in a random direction: (height, width)."""
    angle = float(rng.uniform(0.0, 2.0 * np.pi))
    x = np.linspace(-1.0, 1.0, width) * np.cos(angle)
    y = np.linspace(-1.0, 1.0, height) * np.sin(angle)
    plane = y[:, None] + x[None, :]
    low, high = float(plane.min()), float(plane.max())
    return _f32((plane - low) / max(high - low, 1e-6))


def _unit(angles: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Points on the unit circle, (V, 2); angles in radians, clockwise on the screen."""
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _area(polygon: npt.NDArray[Any]) -> float:
    """The area of a simple polygon (V, 2) in square pixels."""
    points = np.asarray(polygon, dtype=np.float64)
    x, y = points[:, 0], points[:, 1]
    return 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))


def _f32(values: Any) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float32)


def _u8(values: Any) -> Image:
    return np.ascontiguousarray(values, dtype=np.uint8)
