"""Steps that change the values and the layout of the input, but not the position of pixels."""

from dataclasses import dataclass, replace

from runtimes.errors import BadModel, Fault
from runtimes.frame import ChannelOrder, Frame
from runtimes.signature import ImageInput, LayoutName
from runtimes.step import Positive, Preprocess


@dataclass(frozen=True, slots=True)
class Channels(Preprocess):
    """Set the order of the color channels to that of the model's training images.

    Example:
        - channels: bgr
    """

    order: ChannelOrder = "rgb"
    """`rgb` (most models), `bgr` (YOLOX, PP-OCR and other models trained with OpenCV) or `gray`."""

    def bind(self, image: ImageInput) -> "Channels":
        """See Preprocess.bind."""
        given = 1 if self.order == "gray" else 3
        if image.channels not in (given, None):
            raise BadModel(
                f"{self.order} has {given} channel{'s' * (given > 1)}, but the model's input "
                f"'{image.name}' has {image.channels}",
                where="order",
                found=self.order,
                allowed="gray" if image.channels == 1 else "rgb or bgr",
                fault=Fault.INPUT_VALUES,
            )
        return self

    def __call__(self, frame: Frame) -> Frame:
        """Set the order; Frame.tensor applies it."""
        return replace(frame, channels=self.order)


@dataclass(frozen=True, slots=True)
class Normalize(Preprocess):
    """Normalize the pixel values: (value / scale - mean) / std.

    Example:
        - normalize: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}
    """

    scale: Positive = 255.0
    """Divisor of the pixel values 0 to 255: 255 for models trained on values from 0 to 1; 1 for
    models trained on values from 0 to 255, or with `mean` and `std` in that range."""
    mean: tuple[float, ...] = (0.0,)
    """Mean to subtract from the scaled values: a list of one number, or of one per channel in the
    order of `channels`."""
    std: tuple[Positive, ...] = (1.0,)
    """Standard deviation to divide by: a list of one number, or of one per channel in the order of
    `channels`."""

    def __post_init__(self) -> None:
        for key, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, 3):
                raise ValueError(f"{key} has {len(values)} numbers; 1 or 3 are allowed")

    def bind(self, image: ImageInput) -> "Normalize":
        """See Preprocess.bind."""
        if not image.dtype.startswith("float"):
            raise BadModel(
                f"normalize returns fractions, but the model's input '{image.name}' is of type "
                f"{image.dtype}",
                hint="remove the step: this model takes the values 0 to 255",
                fault=Fault.INPUT_VALUES,
            )
        most = 3 if image.channels is None else image.channels
        for key, values in (("mean", self.mean), ("std", self.std)):
            if len(values) > most:
                raise BadModel(
                    f"{key} has {len(values)} numbers, but the model's input '{image.name}' has "
                    f"{image.channels} channel",
                    where=key,
                    found=str(list(values)),
                    allowed="one number",
                    fault=Fault.INPUT_VALUES,
                )
        return self

    def __call__(self, frame: Frame) -> Frame:
        """Set the numbers; Frame.tensor applies them."""
        return replace(frame, scale=self.scale, mean=self.mean, std=self.std)


@dataclass(frozen=True, slots=True)
class Layout(Preprocess):
    """Set the order of the input's axes. Needed only if it cannot be read from the input's shape.

    Example:
        - layout: nhwc
    """

    order: LayoutName | None = None
    """`nchw` or `nhwc`; `chw` or `hwc` for inputs without a batch axis. Default: read from the
    shape of the model's input."""

    def bind(self, image: ImageInput) -> "Layout":
        """See Preprocess.bind."""
        return replace(self, order=image.layout)

    def __call__(self, frame: Frame) -> Frame:
        """Set the order; Frame.tensor applies it."""
        return replace(frame, layout=self.order or frame.layout)
