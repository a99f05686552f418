"""Resizing for text detectors."""

from dataclasses import dataclass, replace

import cv2

from runtimes.errors import BadModel, Fault
from runtimes.frame import Frame
from runtimes.signature import ImageInput
from runtimes.step import Pixels, Preprocess


@dataclass(frozen=True, slots=True)
class ResizeMultiple(Preprocess):
    """Resize so that each side is a multiple of 32, as PP-OCR's text detector does.

    Requires a model with a dynamic input size. The aspect ratio is kept, apart from rounding.

    Example:
        - resize_multiple: {shortest: 736, longest: 1920}
    """

    shortest: Pixels = 736
    """Minimum length of the shorter side in pixels; smaller images are enlarged."""
    longest: Pixels | None = None
    """Maximum length of the longer side in pixels; larger images are reduced. It takes precedence
    over `shortest`. Default: no limit."""
    multiple: Pixels = 32
    """Round each side to a multiple of this number, and to this number at least."""

    def bind(self, image: ImageInput) -> "ResizeMultiple":
        """See Preprocess.bind."""
        if (image.height, image.width) != (None, None):
            takes = f"{image.height or 'any'}x{image.width or 'any'}"
            raise BadModel(
                f"{self.name()} requires a dynamic input size, but the model's input "
                f"'{image.name}' is {takes} (height x width)",
                where=self.name(),
                found=takes,
                allowed="an input with dynamic height and width",
                hint="use `resize` or `letterbox`",
                fault=Fault.INPUT_SIZE,
            )
        return self

    def __call__(self, frame: Frame) -> Frame:
        """Resize by bilinear interpolation, with PP-OCR's rounding: down, then to a multiple."""
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
