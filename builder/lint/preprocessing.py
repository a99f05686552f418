"""Preprocessing that differs from the preprocessing of the model's training."""

from collections.abc import Iterator

from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import warning
from builder.families.family import Family
from builder.families.input_format import Values
from builder.families.registry import family_of
from builder.lint.scene import Scene
from runtimes.preprocess.resize import Letterbox, Resize
from runtimes.preprocess.values import Channels, Normalize
from runtimes.step import Step

LETTERBOX_FOR_STRETCHED = warning(
    "letterbox-for-stretched",
    "Letterbox for a model trained on stretched images",
    "The model finds fewer objects, and its bounding boxes are less accurate.",
)
RESIZE_FOR_LETTERBOXED = warning(
    "resize-for-letterboxed",
    "Stretched images for a model trained on letterboxed images",
    "The model finds fewer objects, above all in images that are far from square.",
)
NOT_SCALED = warning(
    "not-scaled",
    "Input is not scaled",
    "The input values are 255 times too large; the model finds nothing, or false detections.",
)
NOT_NORMALIZED = warning(
    "not-normalized",
    "Input is not normalized with the ImageNet mean",
    "The model finds fewer objects, or none.",
)
NORMALIZE_RANGE = warning(
    "normalize-range",
    "Mean does not match the value range",
    "The normalized values carry almost no information about the image.",
)
INPUT_FORMAT = warning(
    "input-format",
    "Preprocessing does not match the model family",
    "The model finds fewer objects, or none.",
)
CHANNEL_ORDER = warning(
    "channel-order",
    "Channel order is swapped",
    "The model finds fewer objects, above all where color matters.",
)


_IMAGENET = "{mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}"
"""For red, green and blue from 0 to 1, as in torchvision; SAM's numbers divided by 255."""

_LARGE_VALUE = 100
"""A mean from 0 to 1 does not match a value range with a larger maximum."""


def find(scene: Scene) -> Iterator[Problem]:
    """Yield problems of preprocessing."""
    for step, family in _families(scene):
        yield from _resize_mode(scene, step, family)
        yield from _value_range(scene, step, family)
        yield from _missing_channels(scene, family)
    yield from _swapped_channels(scene)
    yield from _mean_range(scene)


def _families(scene: Scene) -> Iterator[tuple[Step, Family]]:
    """Yield the steps that read the first model's outputs, with their families."""
    for step in scene.steps(Step).values():
        family = family_of(step)
        if family is not None:
            yield step, family


def _resize_mode(scene: Scene, step: Step, family: Family) -> Iterator[Problem]:
    """Yield resizing steps with another mode or alignment than the family's."""
    required = family.requires("resizing")
    if required is None or required.resizing is None:
        return
    trained = f"models for `{step.name()}` are trained on"
    if required.resizing.mode == "resize":
        for path in scene.steps(Letterbox, "preprocess"):
            yield scene.problem(
                LETTERBOX_FOR_STRETCHED,
                path,
                f"{trained} stretched images, not on letterboxed images",
                "letterbox",
                "resize",
                "write `- resize` instead, unless the model was trained on letterboxed images",
            )
    elif required.resizing.mode == "letterbox":
        for path in scene.steps(Resize, "preprocess"):
            yield scene.problem(
                RESIZE_FOR_LETTERBOXED,
                path,
                f"{trained} letterboxed images, not on stretched images",
                "resize",
                "letterbox",
                "write `- letterbox` instead, unless the model was trained on stretched images",
            )
    if required.resizing.align != "top_left":
        return
    for path, letterbox in scene.steps(Letterbox, "preprocess").items():
        if letterbox.align != "top_left":
            yield scene.problem(
                INPUT_FORMAT,
                (*path, "align"),
                f"{family.name} is trained with the image at the top left of the letterbox",
                letterbox.align,
                "top_left",
                "write `align: top_left` in `letterbox`",
            )


def _value_range(scene: Scene, step: Step, family: Family) -> Iterator[Problem]:
    """Yield problems of the input's value range and normalization."""
    required = family.requires("values")
    if required is None:
        return
    if required.values.mean:
        image = scene.image
        # An encoder that takes images of any size resizes and normalizes them in its graph.
        if required.resizing is None or (image and None not in (image.height, image.width)):
            yield from _not_normalized(scene, step, required.values)
    elif required.values.scale == 1:
        yield from _redundant_scale(scene, family, required.values)
    else:
        yield from _not_scaled(scene, step, required.values)


def _not_scaled(scene: Scene, step: Step, values: Values) -> Iterator[Problem]:
    """Yield a problem if values are from 0 to 255 instead of 0 to 1."""
    image = scene.image
    if image and image.dtype.startswith("float") and not scene.steps(Normalize, "preprocess"):
        yield scene.problem(
            NOT_SCALED,
            ("preprocess",),
            f"models for `{step.name()}` expect values from 0 to 1; without `normalize` they get "
            "values from 0 to 255",
            hint=f"add `- normalize: {values.scale:g}`{_unless(values)}",
        )


def _redundant_scale(scene: Scene, family: Family, values: Values) -> Iterator[Problem]:
    """Yield steps that scale values, if the model expects values from 0 to 255."""
    for path, given in scene.steps(Normalize, "preprocess").items():
        if given.scale != 1:
            yield scene.problem(
                INPUT_FORMAT,
                path,
                f"{family.name} expects values from 0 to 255{_unless(values)}",
                f"scale: {given.scale:g}",
                hint="remove the step",
            )


def _not_normalized(scene: Scene, step: Step, values: Values) -> Iterator[Problem]:
    """Yield a problem if the input is not normalized with the ImageNet mean."""
    model = scene.first_model
    images = [it for it in model.signature.inputs if len(it.shape) in (3, 4)] if model else []
    if not images or not all(it.dtype.startswith("float") for it in images):
        return
    given = scene.steps(Normalize, "preprocess")
    normalize = f"`- normalize: {_IMAGENET}`{_unless(values)}"
    if not given:
        yield scene.problem(
            NOT_SCALED,
            ("preprocess",),
            f"models for `{step.name()}` expect normalized values; without `normalize` they get "
            "values from 0 to 255",
            hint=f"add {normalize}",
        )
    for path, found in given.items():
        if not any(found.mean):
            yield scene.problem(
                NOT_NORMALIZED,
                path,
                f"models for `{step.name()}` are trained on values normalized with the ImageNet "
                "mean",
                "mean 0",
                "a mean and a std for each channel",
                f"write {normalize}",
            )


def _unless(values: Values) -> str:
    """Return the exception of a family as a clause, or an empty text."""
    return f", unless {values.exception}" if values.exception else ""


def _missing_channels(scene: Scene, family: Family) -> Iterator[Problem]:
    """Yield a problem if a model that expects BGR gets RGB, by default or by a step."""
    required = family.requires("channels")
    if required is None or required.channel_order == "rgb":
        return
    given = scene.steps(Channels, "preprocess")
    for path, step in given.items():
        if step.order == "rgb":
            yield scene.problem(
                CHANNEL_ORDER,
                path,
                f"{family.name} is trained on BGR images",
                "rgb",
                "bgr",
                "write `- channels: bgr`",
            )
    if not given:
        yield scene.problem(
            INPUT_FORMAT,
            ("preprocess",),
            f"{family.name} is trained on BGR images; without `channels` the model gets RGB",
            hint="add `- channels: bgr`",
        )


def _swapped_channels(scene: Scene) -> Iterator[Problem]:
    """Yield steps that produce BGR, if the model is trained on RGB."""
    model = scene.first_model
    reasons = [
        f"{family.name} is trained on RGB images"
        for _, family in _families(scene)
        if (required := family.requires("channels")) and required.channel_order == "rgb"
    ]
    if model and {"names", "stride", "task"} <= set(model.signature.metadata):
        reasons.append("Ultralytics exported the model, and trains on RGB images")
    for path, step in scene.steps(Channels, "preprocess").items():
        if step.order == "bgr" and reasons:
            yield scene.problem(CHANNEL_ORDER, path, reasons[0], "bgr", "rgb", "remove the step")


def _mean_range(scene: Scene) -> Iterator[Problem]:
    """Yield `normalize` steps whose mean does not match the range of the scaled values."""
    for stage in scene.manifest_file.stages():
        for path, values in scene.steps(Normalize, "preprocess", stage).items():
            top, mean = 255 / values.scale, max(values.mean)
            what = f"after `scale: {values.scale:g}` values range from 0 to {top:g}, but the mean "
            if mean > top:
                yield scene.problem(
                    NORMALIZE_RANGE,
                    (*path, "mean"),
                    what + "is larger",
                    list(values.mean),
                    f"at most {top:g}",
                    "write `scale: 1` if mean and std apply to values from 0 to 255",
                )
            elif top > _LARGE_VALUE and 0 < mean <= 1:
                yield scene.problem(
                    NORMALIZE_RANGE,
                    (*path, "mean"),
                    what + "is in the range 0 to 1",
                    list(values.mean),
                    hint="write `scale: 255` if mean and std apply to values from 0 to 1",
                )
