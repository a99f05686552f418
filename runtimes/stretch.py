"""Conversion of images with more than 8 bits per channel to 8 bits.

CVAT sends the file as it was uploaded, and shows annotators an 8-bit JPEG made from it. Its steps
(cvat/apps/engine/media_extractors.py, IChunkWriter._compress_image, 2025), by Pillow's mode:

    I;16  gray, 16 bits: subtract the minimum, divide by the maximum, multiply by 255, round down;
          then equalize the histogram
    I     gray, 32 bits: multiply by 256 / maximum
    RGB   color: Pillow has already kept the upper 8 of 16 bits
    F     floating point: Pillow clips to 0..255 and rounds down

`Stretch.of` follows them, so that the model sees what the annotator sees, with three exceptions.
The histogram is not equalized, since models are trained on images without that. Color images that
use fewer than 16 bits are stretched by their maximum, since the upper 8 bits of a 12-bit image are
nearly black. Floating-point values from 0 to 1, and those that exceed 0 to 255, are stretched too.
"""

from dataclasses import dataclass

import numpy as np

from runtimes.arrays import Array

_HALF = 2**15
"""16-bit values that lie closer together than this use fewer than 16 bits."""

_ROUNDING = 1e-3
"""Added to floating-point values before they are rounded down: k / 255 in float32, times 255, can
be slightly less than k."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The values that become 0 and 255 in an 8-bit image.

    Attributes:
        low: becomes 0.
        high: becomes 255; greater than `low`.
    """

    low: float
    high: float

    @classmethod
    def of(cls, samples: Array) -> "Stretch | None":
        """Return the stretch of an image, by its own values; None for 8 bits.

        Args:
            samples: (H, W) or (H, W, 3) uint8, uint16, float32 or float64, without alpha.
        """
        if samples.dtype == np.uint8:
            return None
        finite = samples if samples.dtype == np.uint16 else samples[np.isfinite(samples)]
        if not finite.size:
            return cls(0.0, 255.0)
        low, high = float(finite.min()), float(finite.max())
        if samples.dtype == np.uint16:
            if not _is_gray(samples):
                low = 0.0
            return cls(low, high) if 0 < high - low < _HALF else UPPER_8_BITS
        if low >= 0 and high <= 255:
            return cls(0.0, 1.0 if high <= 1 else 255.0)
        return cls(low, high) if low < high else cls(0.0, 255.0)

    def __call__(self, samples: Array) -> Array:
        """Return an image in 8 bits; values outside of the stretch are clipped."""
        if samples.dtype == np.uint16:
            return self._scaled(np.arange(2**16, dtype=np.float64))[samples]
        values = np.nan_to_num(
            samples.astype(np.float64), nan=self.low, posinf=self.high, neginf=self.low
        )
        return self._scaled(values, _ROUNDING)

    def _scaled(self, values: Array, rounding: float = 0.0) -> Array:
        """Scale float64 values, and round down."""
        scaled = (values - self.low) * 255 / (self.high - self.low) + rounding
        return np.asarray(np.floor(scaled).clip(0, 255).astype(np.uint8))


UPPER_8_BITS = Stretch(0.0, 65280.0)
"""Keeps the upper 8 of 16 bits: 65280 is 255 * 256."""


def _is_gray(samples: Array) -> bool:
    """Return whether all channels are equal."""
    return samples.ndim == 2 or bool((samples == samples[:, :, :1]).all())
