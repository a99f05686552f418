"""Rules for preprocessing that does not match what the model was trained on."""

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
"""Of red, green and blue, 0 to 1: torchvision's numbers, and a 255th of SAM's."""

_MANY = 100
"""Values that exceed this are not from 0 to 1."""


def find(scene: Scene) -> Iterator[Problem]:
    """See builder.lint."""
    for step, family in _families(scene):
        yield from _resizing(scene, step, family)
        yield from _values(scene, step, family)
        yield from _missing_channels(scene, family)
    yield from _swapped_channels(scene)
    yield from _ranges(scene)


def _families(scene: Scene) -> Iterator[tuple[Step, Family]]:
    """Yield the steps that read the first model's outputs, with their families."""
    for step in scene.steps(Step).values():
        family = family_of(step)
        if family is not None:
            yield step, family


def _resizing(scene: Scene, step: Step, family: Family) -> Iterator[Problem]:
    """Find another resize mode, or alignment, than the family's."""
    required = family.requires("resizing")
    if required is None or required.resizing is None:
        return
    trained = f"models that `{step.name()}` decodes are trained on"
    if required.resizing.mode == "resize":
        for path in scene.steps(Letterbox, "preprocess"):
            yield scene.problem(
                LETTERBOX_FOR_STRETCHED,
                path,
                f"{trained} stretched images, not on padded ones",
                "letterbox",
                "resize",
                "write `- resize` in its place, unless yours was trained with padding",
            )
    elif required.resizing.mode == "letterbox":
        for path in scene.steps(Resize, "preprocess"):
            yield scene.problem(
                RESIZE_FOR_LETTERBOXED,
                path,
                f"{trained} padded images, not on stretched ones",
                "resize",
                "letterbox",
                "write `- letterbox` in its place, unless yours was trained on stretched images",
            )
    if required.resizing.align != "top_left":
        return
    for path, letterbox in scene.steps(Letterbox, "preprocess").items():
        if letterbox.align != "top_left":
            yield scene.problem(
                INPUT_FORMAT,
                (*path, "align"),
                f"{family.name} is trained with the image in the top left corner",
                letterbox.align,
                "top_left",
                "write `align: top_left` in the letterbox",
            )


def _values(scene: Scene, step: Step, family: Family) -> Iterator[Problem]:
    """Find other input values than the family's."""
    required = family.requires("values")
    if required is None:
        return
    if required.values.mean:
        image = scene.image
        # An encoder of images of any size resizes and normalizes them itself.
        if required.resizing is None or (image and None not in (image.height, image.width)):
            yield from _not_normalized(scene, step, required.values)
    elif required.values.scale == 1:
        yield from _needlessly_scaled(scene, family, required.values)
    else:
        yield from _not_scaled(scene, step, required.values)


def _not_scaled(scene: Scene, step: Step, values: Values) -> Iterator[Problem]:
    """Find values from 0 to 255 for a model that is trained on 0 to 1."""
    image = scene.image
    if image and image.dtype.startswith("float") and not scene.steps(Normalize, "preprocess"):
        yield scene.problem(
            NOT_SCALED,
            ("preprocess",),
            f"models that `{step.name()}` decodes take values from 0 to 1; without `normalize` "
            "they get 0 to 255",
            hint=f"add `- normalize: {values.scale:g}`{_unless(values)}",
        )


def _needlessly_scaled(scene: Scene, family: Family, values: Values) -> Iterator[Problem]:
    """Find values from 0 to 1 for a model that is trained on 0 to 255."""
    for path, given in scene.steps(Normalize, "preprocess").items():
        if given.scale != 1:
            yield scene.problem(
                INPUT_FORMAT,
                path,
                f"{family.name} takes the values 0 to 255 as they are{_unless(values)}",
                f"scale: {given.scale:g}",
                hint="leave the step out",
            )


def _not_normalized(scene: Scene, step: Step, values: Values) -> Iterator[Problem]:
    """Find values that are not normalized with the ImageNet mean."""
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
            f"models for `{step.name()}` take values around 0; without `normalize` they get 0 to "
            "255",
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
    """Return the exception to a family's values as the end of a sentence."""
    return f", unless {values.exception}" if values.exception else ""


def _missing_channels(scene: Scene, family: Family) -> Iterator[Problem]:
    """Find RGB, which is the default, for a model that is trained on BGR."""
    required = family.requires("channels")
    if required is None or required.channel_order == "rgb":
        return
    if not scene.steps(Channels, "preprocess"):
        yield scene.problem(
            INPUT_FORMAT,
            ("preprocess",),
            f"{family.name} is trained on BGR; without `channels` it gets RGB",
            hint="add `- channels: bgr`",
        )


def _swapped_channels(scene: Scene) -> Iterator[Problem]:
    """Find BGR for a model that is trained on RGB."""
    model = scene.first_model
    trained = [
        f"{family.name} is trained"
        for _, family in _families(scene)
        if (required := family.requires("channels")) and required.channel_order == "rgb"
    ]
    if model and {"names", "stride", "task"} <= set(model.signature.metadata):
        trained.append("the model is an export of Ultralytics, which trains")
    for path, step in scene.steps(Channels, "preprocess").items():
        if step.order == "bgr" and trained:
            what = f"{trained[0]} on RGB"
            yield scene.problem(CHANNEL_ORDER, path, what, "bgr", "rgb", "leave the step out")


def _ranges(scene: Scene) -> Iterator[Problem]:
    """Find the mean of values from 0 to 255 with values from 0 to 1, or the reverse."""
    for stage in scene.manifest_file.stages():
        for path, values in scene.steps(Normalize, "preprocess", stage).items():
            top, mean = 255 / values.scale, max(values.mean)
            scaled = (
                f"after `scale: {values.scale:g}` values go from 0 to {top:g}, but the mean is of "
            )
            if mean > top:
                yield scene.problem(
                    NORMALIZE_RANGE,
                    (*path, "mean"),
                    scaled + "larger ones",
                    list(values.mean),
                    f"at most {top:g}",
                    "write `scale: 1`, if mean and std are of values from 0 to 255",
                )
            elif top > _MANY and 0 < mean <= 1:
                yield scene.problem(
                    NORMALIZE_RANGE,
                    (*path, "mean"),
                    scaled + "values from 0 to 1",
                    list(values.mean),
                    hint="write `scale: 255`, if mean and std are of values from 0 to 1",
                )
