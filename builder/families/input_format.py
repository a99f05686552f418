"""How the images that a family of models is trained on look to the model."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

ResizeMode: TypeAlias = Literal["letterbox", "resize", "center_crop"]
"""How an image is brought to the model's size: padded, stretched, or cut."""
ChannelOrder: TypeAlias = Literal["rgb", "bgr"]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of red, green and blue from 0 to 1: https://pytorch.org/vision/stable/models.html."""
MMDET_MEAN, MMDET_STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
"""Of blue, green and red from 0 to 255, in MMDetection and NanoDet: ImageNet's."""


@dataclass(frozen=True, slots=True)
class Resizing:
    """How images are brought to the model's size.

    Attributes:
        mode: the step.
        why: the reason that `init` writes beside the step.
        side: height and width in pixels where the model takes any size.
        align: where the image lies in the padding.
        fill: the value of the padding, or red, green and blue; None for the step's default.
        antialias: whether pixels are averaged, as Pillow does.
    """

    mode: ResizeMode
    why: str
    side: int = 640
    align: Literal["center", "top_left"] = "center"
    fill: int | tuple[int, int, int] | None = None
    antialias: bool = False


@dataclass(frozen=True, slots=True)
class Channels:
    """The order of the image's channels.

    Attributes:
        order: the order.
        why: the reason that `init` writes beside the step.
        guessed: whether only some models of the family have this order.
    """

    order: ChannelOrder
    why: str
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Values:
    """The values of the model's input: (byte / scale - mean) / std.

    Attributes:
        why: the reason that `init` writes beside the step.
        scale: 255 for values from 0 to 1, 1 for values from 0 to 255.
        mean, std: one number per channel, in the order of `Channels`; empty for 0 and 1.
        exception: the models of the family that take other values, as a clause after "unless".
        guessed: whether only some models of the family take these values.
    """

    why: str = ""
    scale: float = 255
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    exception: str = ""
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class InputFormat:
    """How images look to the models of a family.

    Attributes:
        resizing: how they are brought to the model's size; None for trackers, which cut out crops
            of that size.
        values: the values of the model's input.
        channels: the order of the channels; None for RGB, which needs no step.
    """

    resizing: Resizing | None = None
    values: Values = Values()
    channels: Channels | None = None

    @property
    def channel_order(self) -> ChannelOrder:
        """The order of the channels."""
        return self.channels.order if self.channels else "rgb"
