"""Steps that resize the image to the size of the model's input."""

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np

from runtimes.arrays import Size
from runtimes.errors import BadModel, Fault
from runtimes.frame import Frame, canvas
from runtimes.preprocess import antialias
from runtimes.signature import ImageInput
from runtimes.step import Byte, Pixels, Preprocess, SideOrSize, height_width


def _bound_size(size: SideOrSize | None, image: ImageInput, step: str) -> Size:
    """Return the size of a bound step: the manifest's, or else the model's.

    Raises:
        BadModel: the two differ, or neither is known.
    """
    if size is None:
        if image.height is not None and image.width is not None:
            return image.height, image.width
        if image.trained is None:
            raise BadModel(
                f"{step} needs a size: the model's input '{image.name}' has a dynamic size",
                where="size",
                allowed="one number for a square, or [height, width]",
                hint=f"write `{step}: 640`, with the size of the model's training images",
                fault=Fault.MISSING_INPUT_SIZE,
            )
        return image.height or image.trained[0], image.width or image.trained[1]
    height, width = height_width(size)
    if (image.height or height, image.width or width) != (height, width):
        raise BadModel(
            f"the size {height}x{width} of {step} does not match the model's input '{image.name}', "
            f"{image.height or 'any'}x{image.width or 'any'} (height x width)",
            where="size",
            found=f"{height}x{width}",
            allowed=f"{image.height or 'any'}x{image.width or 'any'}",
            hint="remove the size: it is read from the model",
            fault=Fault.INPUT_SIZE,
        )
    return height, width


def _required(size: SideOrSize | None) -> Size:
    """Return height and width of a bound step.

    Raises:
        BadModel: the step was not bound to a model.
    """
    if size is None:
        raise BadModel("the step has no size: it was not bound to a model", where="size")
    return height_width(size)


@dataclass(frozen=True, slots=True)
class Letterbox(Preprocess):
    """Resize with the aspect ratio kept, then pad to the size. For YOLO models.

    Example:
        - letterbox: {size: 640, align: top_left}
    """

    size: SideOrSize | None = None
    """Size of the model's input in pixels: one number for a square, or [height, width]. Default:
    read from the input's shape, otherwise from the model's metadata."""
    fill: Byte | tuple[Byte, Byte, Byte] = 114
    """Padding value, 0 to 255: one number for all channels, or [red, green, blue]."""
    align: Literal["center", "top_left"] = "center"
    """Position of the image in the padding: `center` (most YOLO models) or `top_left` (YOLOX,
    RTMDet)."""
    stride: Pixels | None = None
    """Pad each side only to the next multiple of this number instead of the full size. Requires a
    model with a dynamic input size; reduces the inference time for images that are not square."""
    antialias: bool = False
    """Resize with antialiasing, as Pillow and torchvision do (SAM). Slower than OpenCV's bilinear
    interpolation, which is the default."""

    def bind(self, image: ImageInput) -> "Letterbox":
        """See Preprocess.bind."""
        fixed = image.height is not None or image.width is not None
        if self.stride is not None and fixed:
            raise BadModel(
                f"stride requires a dynamic input size, but the model's input '{image.name}' is "
                f"{image.height or 'any'}x{image.width or 'any'}",
                where="stride",
                found=str(self.stride),
                hint="remove the stride",
                fault=Fault.INPUT_SIZE,
            )
        return replace(self, size=_bound_size(self.size, image, self.name()))

    def content(self, size: Size) -> Size:
        """See Preprocess.content."""
        height, width = _required(self.size)
        gain = min(height / size[0], width / size[1])
        return max(1, round(size[0] * gain)), max(1, round(size[1] * gain))

    def __call__(self, frame: Frame) -> Frame:
        """Resize and pad.

        Rounding follows the Ultralytics predictor: the resized size is rounded per axis, each axis
        is scaled to its rounded size, and left and top are round(padding / 2 - 0.1).
        """
        height, width = _required(self.size)
        old_height, old_width = frame.size
        new_height, new_width = self.content(frame.size)
        if self.stride is not None:
            height = min(height, -(-new_height // self.stride) * self.stride)
            width = min(width, -(-new_width // self.stride) * self.stride)
        top = left = 0
        if self.align == "center":
            top = round((height - new_height) / 2 - 0.1)
            left = round((width - new_width) / 2 - 0.1)
        # The canvas is BGR, like all images before `tensor`.
        fill = self.fill[::-1] if isinstance(self.fill, tuple) else self.fill
        pixels = canvas((height, width), fill)
        inner = pixels[top : top + new_height, left : left + new_width]
        if self.antialias:
            inner[:] = antialias.resize(frame.pixels, (new_height, new_width))
        else:
            cv2.resize(
                frame.pixels, (new_width, new_height), dst=inner, interpolation=cv2.INTER_LINEAR
            )
        geometry = frame.geometry.then(new_width / old_width, new_height / old_height, left, top)
        return replace(frame, pixels=pixels, geometry=geometry, fill=fill)


@dataclass(frozen=True, slots=True)
class Resize(Preprocess):
    """Resize to the size without keeping the aspect ratio. For SSD, DETR and RT-DETR.

    Example:
        - resize: [256, 128]   # height, width
    """

    size: SideOrSize | None = None
    """Size of the model's input in pixels: one number for a square, or [height, width]. Default:
    read from the input's shape, otherwise from the model's metadata."""
    antialias: bool = False
    """Resize with antialiasing, as Pillow, transformers and torchvision do. Slower than OpenCV's
    bilinear interpolation, which is the default."""

    def bind(self, image: ImageInput) -> "Resize":
        """See Preprocess.bind."""
        return replace(self, size=_bound_size(self.size, image, self.name()))

    def content(self, size: Size) -> Size:
        """See Preprocess.content."""
        return _required(self.size)

    def __call__(self, frame: Frame) -> Frame:
        """Resize by bilinear interpolation."""
        height, width = _required(self.size)
        old_height, old_width = frame.size
        if self.antialias:
            pixels = antialias.resize(frame.pixels, (height, width))
        else:
            pixels = np.asarray(
                cv2.resize(frame.pixels, (width, height), interpolation=cv2.INTER_LINEAR)
            )
        geometry = frame.geometry.then(width / old_width, height / old_height, 0, 0)
        return replace(frame, pixels=pixels, geometry=geometry)


@dataclass(frozen=True, slots=True)
class CenterCrop(Preprocess):
    """Resize with the aspect ratio kept to cover the size, then crop the center. For classifiers.

    Example:
        - center_crop: 224
    """

    size: SideOrSize | None = None
    """Size of the model's input in pixels: one number for a square, or [height, width]. Default:
    read from the input's shape, otherwise from the model's metadata."""

    def bind(self, image: ImageInput) -> "CenterCrop":
        """See Preprocess.bind."""
        return replace(self, size=_bound_size(self.size, image, self.name()))

    def content(self, size: Size) -> Size:
        """See Preprocess.content."""
        height, width = _required(self.size)
        gain = max(height / size[0], width / size[1])
        return max(height, round(size[0] * gain)), max(width, round(size[1] * gain))

    def __call__(self, frame: Frame) -> Frame:
        """Resize with antialiasing, as torchvision and Ultralytics do for classifiers, and crop."""
        height, width = _required(self.size)
        old_height, old_width = frame.size
        new_height, new_width = self.content(frame.size)
        pixels = antialias.resize(frame.pixels, (new_height, new_width))
        top, left = (new_height - height) // 2, (new_width - width) // 2
        geometry = frame.geometry.then(new_width / old_width, new_height / old_height, -left, -top)
        cut = pixels[top : top + height, left : left + width]
        return replace(frame, pixels=cut, geometry=geometry)
