"""The size at which a text detector sees an image."""

from dataclasses import dataclass, replace

import cv2

from runtimes.errors import BadModel, Fault
from runtimes.frame import Frame
from runtimes.signature import ImageInput
from runtimes.step import Pixels, Preprocess


@dataclass(frozen=True, slots=True)
class ResizeMultiple(Preprocess):
    """Resize as PP-OCR's text detector wants it: not too small, sides that are multiples of 32.

    For models whose input size is open. The aspect ratio is kept but for the rounding.

    Example:
        - resize_multiple: {shortest: 736, longest: 1920}
    """

    shortest: Pixels = 736
    """Images whose shorter side is below this are enlarged until it is this long."""
    longest: Pixels | None = None
    """Images whose longer side would be above this are reduced until it is this long; it goes
    before `shortest`. Default: no limit."""
    multiple: Pixels = 32
    """Each side is rounded to a multiple of this, and is at least this."""

    def bind(self, image: ImageInput) -> "ResizeMultiple":
        """See Preprocess.bind."""
        if (image.height, image.width) != (None, None):
            takes = f"{image.height or 'any'}x{image.width or 'any'}"
            raise BadModel(
                f"{self.name()} makes the size vary, but the model's input '{image.name}' takes "
                f"{takes} (height x width)",
                where=self.name(),
                found=takes,
                allowed="an input whose height and width are open",
                hint="`resize` or `letterbox` bring images to one size",
                fault=Fault.INPUT_SIZE,
            )
        return self

    def __call__(self, frame: Frame) -> Frame:
        """Stretch by bilinear interpolation, with PP-OCR's rounding: down, then to a multiple."""
        old_height, old_width = frame.size
        gain = max(1.0, self.shortest / min(old_height, old_width))
        if self.longest is not None:
            gain = min(gain, self.longest / max(old_height, old_width))
        height, width = (
            max(self.multiple, round(int(side * gain) / self.multiple) * self.multiple)
            for side in (old_height, old_width)
        )
        pixels = cv2.resize(frame.pixels, (width, height), interpolation=cv2.INTER_LINEAR)
        geometry = frame.geometry.then(width / old_width, height / old_height, 0, 0)
        return replace(frame, pixels=pixels, geometry=geometry)
