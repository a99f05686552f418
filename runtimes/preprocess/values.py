"""Steps that change values and their order, not where they are."""

from dataclasses import dataclass, replace

from runtimes.errors import BadModel, Fault
from runtimes.frame import ChannelOrder, Frame
from runtimes.signature import ImageInput, LayoutName
from runtimes.step import Positive, Preprocess


@dataclass(frozen=True, slots=True)
class Channels(Preprocess):
    """The order of the colour channels that the model was trained on.

    Example:
        - channels: bgr
    """

    order: ChannelOrder = "rgb"
    """`rgb` (most models), `bgr` (YOLOX, PP-OCR and others trained through OpenCV) or `gray`."""

    def bind(self, image: ImageInput) -> "Channels":
        """See Preprocess.bind."""
        given = 1 if self.order == "gray" else 3
        if image.channels not in (given, None):
            raise BadModel(
                f"channels: {self.order} gives {given}, but the model's input '{image.name}' takes "
                f"{image.channels}",
                where="order",
                found=self.order,
                allowed="gray" if image.channels == 1 else "rgb or bgr",
                fault=Fault.INPUT_VALUES,
            )
        return self

    def __call__(self, frame: Frame) -> Frame:
        """Note the order."""
        return replace(frame, channels=self.order)


@dataclass(frozen=True, slots=True)
class Normalize(Preprocess):
    """Scale and shift the pixel values: (value / scale - mean) / std.

    Example:
        - normalize: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}
    """

    scale: Positive = 255.0
    """What the values 0 to 255 are divided by first: 255 for models trained on 0..1, 1 for models
    that take 0..255 or whose mean and std are given in 0..255."""
    mean: tuple[float, ...] = (0.0,)
    """Subtracted after that: a list of one number, or of one per channel in the order of
    `channels`."""
    std: tuple[Positive, ...] = (1.0,)
    """Divided by last: a list of one number, or of one per channel in the order of `channels`."""

    def __post_init__(self) -> None:
        for key, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, 3):
                raise ValueError(f"{key} has {len(values)} numbers; 1 or 3 are allowed")

    def bind(self, image: ImageInput) -> "Normalize":
        """See Preprocess.bind."""
        if not image.dtype.startswith("float"):
            raise BadModel(
                f"normalize gives fractions, but the model's input '{image.name}' is of type "
                f"{image.dtype}",
                hint="leave the step out: this model takes the values 0 to 255 as they are",
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
        """Note the numbers."""
        return replace(frame, scale=self.scale, mean=self.mean, std=self.std)


@dataclass(frozen=True, slots=True)
class Layout(Preprocess):
    """The order of the tensor's axes. Needed only where the model's shape does not tell it.

    Example:
        - layout: nhwc
    """

    order: LayoutName | None = None
    """`nchw`, `nhwc`, or without an axis for the batch `chw`, `hwc`. Default: read from the
    model's input."""

    def bind(self, image: ImageInput) -> "Layout":
        """See Preprocess.bind."""
        return replace(self, order=image.layout)

    def __call__(self, frame: Frame) -> Frame:
        """Note the order."""
        return replace(frame, layout=self.order or frame.layout)
