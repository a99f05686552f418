"""How each family wants its images: what the reference implementations do."""

from collections.abc import Sequence
from typing import Any

from builder.families.evidence import Facts
from builder.families.match import Entry, step

_BGR_MEAN, _BGR_STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
_RGB_MEAN, _RGB_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def sized(facts: Facts, name: str, why: str, *, side: int = 640, **fields: Any) -> Entry:
    """A step that brings images to the model's size; `side` where nothing says which that is."""
    image = facts.image
    if image is not None and image.height is not None and image.width is not None:
        seen = f"{image.name} is {image.height}x{image.width}"
        return step(name, f"{why}; {seen}", **fields)
    if image is not None and image.trained is not None and facts.signature.metadata.get("imgsz"):
        return step(name, f"{why}; metadata imgsz: {list(image.trained)}", **fields)
    size: int | list[int] = side
    if facts.runs_at is not None:
        height, width = facts.runs_at
        size = height if height == width else [height, width]
        why = f"{why}; the graph runs at {height}x{width}, not at every size"
        return step(name, why, size=size, **fields)
    if image is not None and (image.height or image.width):
        size = [image.height or side, image.width or side]
    open_ = "the model takes any size"
    return step(name, f"{why}; {open_}", guessed=True, size=size, **fields)


def letterbox(facts: Facts, why: str = "YOLO is trained on it", **fields: Any) -> Entry:
    """Resized with its aspect ratio and padded."""
    return sized(facts, "letterbox", why, **fields)


def values(
    facts: Facts,
    why: str,
    *,
    scale: float = 255,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    guessed: bool = False,
) -> list[Entry]:
    """The normalisation; none for inputs of whole numbers, which take 0..255 as they are."""
    image = facts.image
    if image is None or not image.dtype.startswith("float"):
        return []
    fields: dict[str, Any] = {"scale": scale}
    if mean or std:
        one = image.channels == 1
        fields |= {
            key: [numbers[len(numbers) // 2]] if one else list(numbers)
            for key, numbers in (("mean", mean), ("std", std))
            if numbers
        }
    if scale == 1 and len(fields) == 1:
        return []
    if scale == 255 and len(fields) > 1:
        del fields["scale"]
    return [step("normalize", why, guessed=guessed, **fields)]


def unit(facts: Facts, why: str = "0..1", *, guessed: bool = False) -> list[Entry]:
    """Divided by 255."""
    return values(facts, why, guessed=guessed)


def imagenet(facts: Facts, why: str, *, guessed: bool = False) -> list[Entry]:
    """ImageNet's mean and standard deviation, RGB."""
    return values(facts, why, mean=_RGB_MEAN, std=_RGB_STD, guessed=guessed)


def mmdet(facts: Facts, why: str, *, guessed: bool = False) -> list[Entry]:
    """The mean and standard deviation of MMDetection and NanoDet: BGR, 0..255."""
    return [
        *bgr(facts, why, guessed=guessed),
        *values(facts, why, scale=1, mean=_BGR_MEAN, std=_BGR_STD, guessed=guessed),
    ]


def bgr(facts: Facts, why: str, *, guessed: bool = False) -> list[Entry]:
    """Blue before green before red, as OpenCV has them."""
    if facts.image is None or facts.image.channels == 1:
        return []
    return [step("channels", why, guessed=guessed, order="bgr")]


def unknown(facts: Facts) -> list[Entry]:
    """The normalisation of a family that has no custom of its own."""
    image = facts.image
    if image is None or not image.dtype.startswith("float"):
        return []
    return unless_inside(
        facts, image.name, imagenet(facts, "ImageNet's mean and std", guessed=True)
    )


_MOST_OF_UNIT = 2.0
"""Means and standard deviations of values in 0..1 are below it, those of 0..255 above."""


def unless_inside(facts: Facts, name: str, usual: list[Entry]) -> list[Entry]:
    """A normalisation, or the one that leaves values to a graph which normalises them itself.

    Args:
        facts: of the model.
        name: the input that takes the image.
        usual: the family's own normalisation.
    """
    begins = facts.graph.starts(name)
    arithmetic = [op for op in begins if op in ("Sub", "Div", "Mul", "BatchNormalization")]
    said = facts.graph.normalisation(name)
    if not usual or not arithmetic or (said and set(said[0]) == {0} and set(said[1]) == {1}):
        return usual
    listed = ", ".join(arithmetic)
    # Written all the same, so that a reader sees that nothing was forgotten.
    if said is None:
        why = f"the graph itself begins with {listed}: 0..255 as they are"
        return [step("normalize", why, guessed=True, scale=1)]
    mean, std = (", ".join(f"{number:.4g}" for number in numbers) for numbers in said)
    why = f"the graph itself begins with {listed}: mean {mean}, std {std}"
    if max(abs(number) for numbers in said for number in numbers) < _MOST_OF_UNIT:
        return [step("normalize", f"{why}, of values in 0..1", scale=255)]
    return [step("normalize", f"{why}, of values in 0..255", scale=1)]


def from_model_info(facts: Facts) -> tuple[Entry, ...] | None:
    """What OpenVINO's `rt_info/model_info` says of preprocessing; None where it says nothing."""
    said = facts.signature.metadata
    if facts.graph.opset is not None or not {"resize_type", "scale_values"} & set(said):
        return None
    kinds = {
        "standard": ("resize", {}),
        "fit_to_window": ("letterbox", {"align": "top_left"}),
        "fit_to_window_letterbox": ("letterbox", {}),
        "crop": ("center_crop", {}),
    }
    kind = said.get("resize_type", "")
    name, fields = kinds.get(kind, ("resize", {}))
    pad = said.get("pad_value", "")
    extra: dict[str, Any] = dict(fields)
    if name == "letterbox":
        extra["fill"] = int(pad) if pad.isascii() and pad.isdigit() and int(pad) < 256 else 0
    # Scales and means are given in 0..255 and in the order of the model's channels.
    mean, scale = (_numbers(said.get(f"{key}_values", "")) for key in ("mean", "scale"))
    reverse = said.get("reverse_input_channels", "").lower() in ("true", "yes", "1")
    if not all(scale):
        scale = ()
    steps = [sized(facts, name, f"rt_info resize_type: {kind or 'standard'}", **extra)]
    if not reverse:
        steps += bgr(facts, "rt_info reverse_input_channels: false")
    steps += values(facts, "rt_info mean_values, scale_values", scale=1, mean=mean, std=scale)
    return tuple(steps)


def _numbers(text: str) -> tuple[float, ...]:
    """One or three positive numbers between spaces or commas; nothing where they are none."""
    try:
        found = tuple(float(word) for word in text.strip("[]() ").replace(",", " ").split()[:4])
    except ValueError:
        return ()
    sane = len(found) in (1, 3) and all(0 <= number <= 1e6 for number in found)
    return found if sane else ()
