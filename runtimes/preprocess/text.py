"""Resizing for text detectors and text recognizers."""

from dataclasses import dataclass, replace
from math import ceil

import cv2

from runtimes.arrays import Size
from runtimes.errors import BadModel, Fault
from runtimes.frame import Frame, canvas
from runtimes.signature import ImageInput
from runtimes.step import Byte, Pixels, Preprocess

_GRAY = 127
"""The color of padding, on the GPU: PP-OCR's normalization turns it to about 0, which is also the
padding of the convolutions at the border of an image."""


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

    def content(self, size: Size) -> Size:
        """See Preprocess.content. PP-OCR's rounding: down, then to a multiple."""
        gain = max(1.0, self.shortest / min(size))
        if self.longest is not None:
            gain = min(gain, self.longest / max(size))
        height, width = (
            max(self.multiple, round(int(side * gain) / self.multiple) * self.multiple)
            for side in size
        )
        return height, width

    def __call__(self, frame: Frame) -> Frame:
        """Resize by bilinear interpolation."""
        old_height, old_width = frame.size
        height, width = self.content(frame.size)
        pixels = cv2.resize(frame.pixels, (width, height), interpolation=cv2.INTER_LINEAR)
        geometry = frame.geometry.then(width / old_width, height / old_height, 0, 0)
        return replace(frame, pixels=pixels, geometry=geometry, fill=_GRAY)


@dataclass(frozen=True, slots=True)
class ResizeHeight(Preprocess):
    """Resize a line of text to the input's height, and pad it on the right. For text recognizers.

    The aspect ratio is kept, unless the line is longer than the input: then it is compressed, as
    PP-OCR does. If the model has a dynamic width, longer lines get a wider input.

    Example:
        - resize_height: {height: 48, width: 320}
    """

    height: Pixels | None = None
    """Height of the model's input in pixels. Default: read from the input's shape."""
    width: Pixels = 320
    """Width of the model's input in pixels; with a dynamic width, the minimum width."""
    longest: Pixels = 3200
    """Maximum width of the model's input in pixels, if it is dynamic."""
    multiple: Pixels = 32
    """Pad a longer line to a multiple of this number, so that lines of similar length can be in one
    batch."""
    fill: Byte = 127
    """Padding value, 0 to 255. PP-OCR pads with 0 after the normalization, which is 127.5."""

    def __post_init__(self) -> None:
        if self.longest < self.width:
            raise ValueError(f"longest ({self.longest}) is less than width ({self.width})")

    def bind(self, image: ImageInput) -> "ResizeHeight":
        """See Preprocess.bind."""
        height = self.height or image.height
        if height is None:
            raise BadModel(
                f"{self.name()} needs a height: the model's input '{image.name}' has a dynamic one",
                where="height",
                allowed="the height of the model's training images, such as 48",
                hint=f"write `{self.name()}: 48`",
                fault=Fault.MISSING_INPUT_SIZE,
            )
        if image.height not in (None, height):
            raise BadModel(
                f"the height {height} of {self.name()} does not match the model's input "
                f"'{image.name}', which is {image.height} pixels high",
                where="height",
                found=str(height),
                allowed=str(image.height),
                hint="remove the height: it is read from the model",
                fault=Fault.INPUT_SIZE,
            )
        if image.width is None:
            return replace(self, height=height)
        return replace(self, height=height, width=image.width, longest=image.width)

    def content(self, size: Size) -> Size:
        """See Preprocess.content. The width is rounded up, as in PP-OCR."""
        if self.height is None:
            raise BadModel("the step has no height: it was not bound to a model", where="height")
        return self.height, min(ceil(self.height * size[1] / size[0]), self.longest)

    def __call__(self, frame: Frame) -> Frame:
        """Resize by bilinear interpolation and pad."""
        old_height, old_width = frame.size
        height, new_width = self.content(frame.size)
        width = self.width
        if new_width > width:
            width = min(ceil(new_width / self.multiple) * self.multiple, self.longest)
        pixels = canvas((height, width), self.fill)
        cv2.resize(
            frame.pixels,
            (new_width, height),
            dst=pixels[:, :new_width],
            interpolation=cv2.INTER_LINEAR,
        )
        geometry = frame.geometry.then(new_width / old_width, height / old_height, 0, 0)
        return replace(frame, pixels=pixels, geometry=geometry, fill=self.fill)
