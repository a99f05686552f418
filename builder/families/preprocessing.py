"""Drafting the preprocessing of a manifest: from a family's input format, or from the file."""

from collections.abc import Sequence
from typing import Any

from builder.families.evidence import Evidence
from builder.families.input_format import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Channels,
    InputFormat,
    Resizing,
    Values,
)
from builder.families.match import DraftStep, step
from builder.model.hugging_face import PROCESSOR_FILE, ImageProcessor
from runtimes.preprocess import values as value_steps
from runtimes.preprocess.resize import CenterCrop, Letterbox, Resize
from runtimes.preprocess.values import Normalize
from runtimes.step import Preprocess

_STEPS: dict[str, type[Preprocess]] = {
    "letterbox": Letterbox,
    "resize": Resize,
    "center_crop": CenterCrop,
}
_RANGE_LIMIT = 2.0
"""Means and standard deviations of values in 0..1 are below it, those of 0..255 above."""


def draft(evidence: Evidence, input_format: InputFormat) -> tuple[DraftStep, ...]:
    """Return the steps that bring images into a family's input format."""
    resizing = input_format.resizing
    return (
        *([resize(evidence, resizing)] if resizing else ()),
        *reorder(evidence, input_format.channels),
        *normalize(evidence, input_format.values),
    )


def resize(evidence: Evidence, resizing: Resizing) -> DraftStep:
    """Return the step that brings images to the model's size."""
    cls = _STEPS[resizing.mode]
    image, why = evidence.image, resizing.why
    options: dict[str, Any] = {}
    if resizing.fill is not None:
        options["fill"] = resizing.fill
    if resizing.align != "center":
        options["align"] = resizing.align
    if resizing.antialias:
        options["antialias"] = True
    if image is not None and image.height is not None and image.width is not None:
        seen = f"{image.name} is {image.height}x{image.width}"
        return step(cls, f"{why}; {seen}", **options)
    if image is not None and image.trained is not None and evidence.signature.metadata.get("imgsz"):
        return step(cls, f"{why}; metadata imgsz: {list(image.trained)}", **options)
    if evidence.only_size is not None:
        height, width = evidence.only_size
        why = f"{why}; the graph runs at {height}x{width} only"
        return step(cls, why, size=_size(height, width), **options)
    size = _size(
        (image.height if image else None) or resizing.side,
        (image.width if image else None) or resizing.side,
    )
    why = f"{why}; the model takes any size"
    return step(cls, why, guessed=True, size=size, **options)


def reorder(evidence: Evidence, channels: Channels | None) -> list[DraftStep]:
    """Return the step that orders the channels; none for RGB and for images of one channel."""
    if channels is None or evidence.image is None or evidence.image.channels == 1:
        return []
    return [
        step(value_steps.Channels, channels.why, guessed=channels.guessed, order=channels.order)
    ]


def normalize(evidence: Evidence, values: Values) -> list[DraftStep]:
    """Return the normalization; none for integer inputs, which take 0..255 as they are."""
    image = evidence.image
    if image is None or not image.dtype.startswith("float"):
        return []
    fields: dict[str, Any] = {}
    for key, numbers in (("mean", values.mean), ("std", values.std)):
        if numbers:
            one = image.channels == 1
            fields[key] = [numbers[len(numbers) // 2]] if one else list(numbers)
    if not fields and values.scale == 1:
        return []
    if not fields or values.scale != 255:
        fields = {"scale": values.scale, **fields}
    return [step(Normalize, values.why, guessed=values.guessed, **fields)]


def usual_normalization(evidence: Evidence) -> list[DraftStep]:
    """Return the usual normalization, as a guess for families in which models differ.

    Models that PyTorch exports mostly take ImageNet's mean and std; those from TensorFlow 0..1.
    """
    image = evidence.image
    values = Values("ImageNet's mean and std", mean=IMAGENET_MEAN, std=IMAGENET_STD, guessed=True)
    if is_from_tensorflow(evidence):
        values = Values("0..1, as most models from TensorFlow take; some take -1..1", guessed=True)
    usual = normalize(evidence, values)
    return unless_in_graph(evidence, image.name, usual) if image and usual else []


def is_from_tensorflow(evidence: Evidence) -> bool:
    """Whether a model comes from TensorFlow or Keras: by its exporter, or channels last."""
    image = evidence.image
    exporter = evidence.graph.description.lower()
    named = any(word in exporter for word in ("tf2onnx", "tensorflow", "keras", "tflite"))
    return named or (image is not None and image.layout in ("nhwc", "hwc"))


def is_from_paddle(evidence: Evidence) -> bool:
    """Whether a model comes from PaddlePaddle: by its exporter, or by the names of its outputs."""
    names = [tensor.name for tensor in evidence.outputs]
    return "paddle" in evidence.graph.description.lower() or all(".tmp_" in it for it in names)


def unless_in_graph(evidence: Evidence, name: str, usual: list[DraftStep]) -> list[DraftStep]:
    """Return a normalization, or the scaling that is left to do if the graph normalizes.

    Args:
        evidence: of the model.
        name: the input that takes the image.
        usual: the family's normalization.
    """
    begins = evidence.graph.input_ops(name)
    arithmetic = [op for op in begins if op in ("Sub", "Div", "Mul", "BatchNormalization")]
    found = evidence.graph.normalization(name)
    if not usual or not arithmetic or (found and set(found[0]) == {0} and set(found[1]) == {1}):
        return usual
    listed = ", ".join(arithmetic)
    # Written all the same, so that a reader sees that nothing was forgotten.
    if found is None:
        why = f"the graph normalizes 0..255 itself ({listed})"
        return [step(Normalize, why, guessed=True, scale=1)]
    mean, std = (", ".join(f"{number:.4g}" for number in numbers) for numbers in found)
    why = f"the graph normalizes itself ({listed}): mean {mean}, std {std}"
    if max(abs(number) for numbers in found for number in numbers) < _RANGE_LIMIT:
        return [step(Normalize, f"{why}, of values in 0..1", scale=255)]
    return [step(Normalize, f"{why}, of values in 0..255", scale=1)]


def from_model_info(evidence: Evidence) -> tuple[DraftStep, ...] | None:
    """Return the steps that OpenVINO's `rt_info/model_info` describes, or None without any.

    Source: github.com/openvinotoolkit/model_api, docs/model-configuration.md.
    """
    metadata = evidence.signature.metadata
    if evidence.graph.opset is not None or not {"resize_type", "scale_values"} & set(metadata):
        return None
    resize_type = metadata.get("resize_type", "")
    why = f"rt_info resize_type: {resize_type or 'standard'}"
    pad = metadata.get("pad_value", "")
    fill = int(pad) if pad.isascii() and pad.isdigit() and int(pad) < 256 else 0
    resizing = {
        "fit_to_window": Resizing("letterbox", why, align="top_left", fill=fill),
        "fit_to_window_letterbox": Resizing("letterbox", why, fill=fill),
        "crop": Resizing("center_crop", why),
    }.get(resize_type, Resizing("resize", why))
    reverse = metadata.get("reverse_input_channels", "").lower() in ("true", "yes", "1")
    bgr = Channels("bgr", "rt_info reverse_input_channels: false")
    # Scales and means are given in 0..255 and in the order of the model's channels.
    mean, std = (_numbers(metadata.get(f"{key}_values", "")) for key in ("mean", "scale"))
    values = Values("rt_info mean_values, scale_values", 1, mean, std if all(std) else ())
    return draft(evidence, InputFormat(resizing, values, None if reverse else bgr))


def from_processor(
    evidence: Evidence, usual: Sequence[DraftStep], processor: ImageProcessor
) -> tuple[DraftStep, ...]:
    """Return a family's steps with the values that Hugging Face's preprocessor_config.json names.

    Args:
        evidence: of the model.
        usual: the family's steps; those that the file does not describe are kept.
        processor: the file's content.
    """
    image = evidence.image
    if image is None:
        return tuple(usual)
    values = Values(PROCESSOR_FILE, processor.scale, processor.mean, processor.std)
    order = [step(value_steps.Channels, f"{PROCESSOR_FILE} do_flip_channel_order", order="bgr")]
    normal = unless_in_graph(evidence, image.name, normalize(evidence, values))
    resizing = [it for it in usual if it.step in _STEPS.values()]
    others = [it for it in usual if it.step not in (*_STEPS.values(), Normalize)]
    if processor.flips_channels:
        others = [*order, *(it for it in others if it.step is not value_steps.Channels)]
    return (*(_processed(evidence, processor) or resizing), *others, *normal)


def _processed(evidence: Evidence, processor: ImageProcessor) -> list[DraftStep]:
    """Return the resizing that the file names; empty if it does not name a height and width."""
    size, image = processor.crop or processor.size, evidence.image
    if size is None or image is None:
        return []
    is_open = image.height is None or image.width is None
    fields: dict[str, Any] = {"size": _size(*size)} if is_open else {}
    if processor.crop:
        why = f"{PROCESSOR_FILE} crop_size: {size[0]}x{size[1]}; all of the shorter side is kept"
        return [step(CenterCrop, why, **fields)]
    why = f"{PROCESSOR_FILE} size: {size[0]}x{size[1]}"
    if processor.resample in (1, 2, 3):
        # Pillow and torchvision average pixels when they shrink an image.
        why += f", resample: {processor.resample}"
        fields["antialias"] = True
    return [step(Resize, why, **fields)]


def _size(height: int, width: int) -> int | list[int]:
    """Return a size as a manifest spells it."""
    return height if height == width else [height, width]


def _numbers(text: str) -> tuple[float, ...]:
    """Return one or three numbers between spaces or commas, or none if the text is invalid."""
    try:
        found = tuple(float(word) for word in text.strip("[]() ").replace(",", " ").split()[:4])
    except ValueError:
        return ()
    valid = len(found) in (1, 3) and all(0 <= number <= 1e6 for number in found)
    return found if valid else ()
