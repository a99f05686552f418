"""Views, masks and interpolation for the tests of segmentation decoders."""

from typing import Literal

import numpy as np

from runtimes.arrays import Array, Size
from runtimes.classes import Classes
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.view import View

ANY = Classes(1, exact=False)
ONE = Classes(1, exact=True)
Shape = tuple[int | None, ...]
Per = Literal["class", "component"]
PLAIN = View((24, 36), (24, 36), Geometry())
STRETCHED = View((50, 90), (24, 36), Geometry(0.4, 0.48))
LETTERBOXED = View((40, 90), (24, 36), Geometry(0.4, 0.4, 0, 4))
CROPPED = View((48, 90), (24, 36), Geometry(0.5, 0.5, -4, 0))
SMALL = View((15, 20), (24, 36), Geometry(1.8, 1.6))
VIEWS = [PLAIN, STRETCHED, LETTERBOXED, CROPPED]


def signature(
    *shapes: Shape, dtype: str = "float32", metadata: dict[str, str] | None = None
) -> Signature:
    outputs = [Tensor(f"output{n}", shape, dtype) for n, shape in enumerate(shapes)]
    return Signature((), tuple(outputs), metadata or {})


def drawn(found: Instances, size: Size) -> list[Array]:
    """Each instance's mask, (H, W) bool."""
    masks = []
    for number, box in enumerate(found.boxes):
        assert found.masks is not None
        whole = np.zeros(size, bool)
        crop = found.masks.crop(number, box, size)
        if crop is not None:
            height, width = crop.bitmap.shape
            place = np.s_[crop.top : crop.top + height, crop.left : crop.left + width]
            whole[place] = crop.bitmap > 0
        masks.append(whole)
    return masks


def interpolated(values: Array, view: View) -> Array:
    """Bilinear values at the centers of the image's pixels; NaN outside of the input."""
    height, width = values.shape
    result = np.full(view.image, np.nan)
    for row in range(view.image[0]):
        for column in range(view.image[1]):
            x = (column + 0.5) * view.geometry.scale_x + view.geometry.shift_x
            y = (row + 0.5) * view.geometry.scale_y + view.geometry.shift_y
            if not (0 <= x < view.input[1] and 0 <= y < view.input[0]):
                continue
            x = min(max(x * width / view.input[1] - 0.5, 0), width - 1)
            y = min(max(y * height / view.input[0] - 0.5, 0), height - 1)
            left, top = int(x), int(y)
            right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
            dx, dy = x - left, y - top
            above = values[top, left] * (1 - dx) + values[top, right] * dx
            below = values[bottom, left] * (1 - dx) + values[bottom, right] * dx
            result[row, column] = above * (1 - dy) + below * dy
    return result
