"""Images that reach the model in another form than those that it was trained on."""

from collections.abc import Iterator

from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import warning
from builder.families.family import Aspect, Family
from builder.families.input_format import InputFormat, Values
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
"""Values that go beyond this are no fractions, and a mean from 0 to 1 is none of theirs."""


def find(scene: Scene) -> Iterator[Problem]:
    """See builder.lint."""
    for step, _, given in _required(scene, "resizing"):
        yield from _size(scene, step, given)
    for step, family, given in _required(scene, "values"):
        yield from _values(scene, step, family, given)
    for _, family, given in _required(scene, "resizing"):
        yield from _align(scene, family, given)
    for _, family, given in _required(scene, "channels"):
        yield from _missing_order(scene, family, given)
    yield from _order(scene)
    yield from _ranges(scene)


def _required(scene: Scene, aspect: Aspect) -> Iterator[tuple[Step, Family, InputFormat]]:
    """The steps whose families take images in one form only, as far as that aspect goes."""
    for step in scene.steps(Step).values():
        family = family_of(step)
        given = family.requires(aspect) if family else None
        if family and given:
            yield step, family, given


def _size(scene: Scene, step: Step, given: InputFormat) -> Iterator[Problem]:
    """A stretched image for a model that was trained on letterboxed ones, or the reverse."""
    name = step.name()
    mode = given.resizing.mode if given.resizing else None
    if mode == "resize":
        for path in scene.steps(Letterbox, "preprocess"):
            yield scene.problem(
                LETTERBOX_FOR_STRETCHED,
                path,
                f"models that `{name}` decodes are trained on stretched images, not on padded ones",
                "letterbox",
                "resize",
                "write `- resize` in its place, unless yours was trained with padding",
            )
    elif mode == "letterbox":
        for path in scene.steps(Resize, "preprocess"):
            yield scene.problem(
                RESIZE_FOR_LETTERBOXED,
                path,
                f"models that `{name}` decodes are trained on padded images, not on stretched ones",
                "resize",
                "letterbox",
                "write `- letterbox` in its place, unless yours was trained on stretched images",
            )


def _values(scene: Scene, step: Step, family: Family, given: InputFormat) -> Iterator[Problem]:
    """Other values than those that the models of a family take."""
    if given.values.mean:
        image = scene.image
        # An encoder of images of any size brings them to its own, and their values with it.
        if given.resizing is None or (image and None not in (image.height, image.width)):
            yield from _centred(scene, step, given.values)
    elif given.values.scale == 1:
        yield from _as_they_are(scene, family, given.values)
    else:
        yield from _scaled(scene, step, given.values)


def _scaled(scene: Scene, step: Step, wanted: Values) -> Iterator[Problem]:
    """Values 0 to 255 for a model that was trained on 0 to 1."""
    image = scene.image
    if image and image.dtype.startswith("float") and not scene.steps(Normalize, "preprocess"):
        yield scene.problem(
            NOT_SCALED,
            ("preprocess",),
            f"models that `{step.name()}` decodes take values from 0 to 1; without `normalize` "
            "they get 0 to 255",
            hint=f"add `- normalize: {wanted.scale:g}`, unless {wanted.exception}",
        )


def _as_they_are(scene: Scene, family: Family, wanted: Values) -> Iterator[Problem]:
    """Values 0 to 1 for a model that was trained on 0 to 255."""
    for path, values in scene.steps(Normalize, "preprocess").items():
        if values.scale != 1:
            yield scene.problem(
                INPUT_FORMAT,
                path,
                f"{family.name} takes the values 0 to 255 as they are, unless {wanted.exception}",
                f"scale: {values.scale:g}",
                hint="leave the step out",
            )


def _centred(scene: Scene, step: Step, wanted: Values) -> Iterator[Problem]:
    """Values with ImageNet's mean for a model that was trained without it."""
    model = scene.first_model
    images = [it for it in model.signature.inputs if len(it.shape) in (3, 4)] if model else []
    if not images or not all(it.dtype.startswith("float") for it in images):
        return
    given = scene.steps(Normalize, "preprocess")
    hint = f"`- normalize: {_IMAGENET}`, unless {wanted.exception}"
    if not given:
        yield scene.problem(
            NOT_SCALED,
            ("preprocess",),
            f"models for `{step.name()}` take values around 0; without `normalize` they get 0 to "
            "255",
            hint=f"add {hint}",
        )
    for path, values in given.items():
        if not any(values.mean):
            yield scene.problem(
                NOT_NORMALIZED,
                path,
                f"models for `{step.name()}` are trained on values from which ImageNet's mean was "
                "taken",
                "mean 0",
                "a mean and a std for each channel",
                f"write {hint}",
            )


def _ranges(scene: Scene) -> Iterator[Problem]:
    """A mean of values 0 to 255 taken from values 0 to 1, or the reverse."""
    for stage in scene.manifest_file.stages():
        for path, values in scene.steps(Normalize, "preprocess", stage).items():
            top, mean = 255 / values.scale, max(values.mean)
            told = (
                f"after `scale: {values.scale:g}` values go from 0 to {top:g}, but the mean is of "
            )
            if mean > top:
                yield scene.problem(
                    NORMALIZE_RANGE,
                    (*path, "mean"),
                    told + "larger ones",
                    list(values.mean),
                    f"at most {top:g}",
                    "write `scale: 1`, if mean and std are of values from 0 to 255",
                )
            elif top > _MANY and 0 < mean <= 1:
                yield scene.problem(
                    NORMALIZE_RANGE,
                    (*path, "mean"),
                    told + "values from 0 to 1",
                    list(values.mean),
                    hint="write `scale: 255`, if mean and std are of values from 0 to 1",
                )


def _align(scene: Scene, family: Family, given: InputFormat) -> Iterator[Problem]:
    """An image in the middle of its padding for a model that has it in the corner."""
    if given.resizing is None or given.resizing.align != "top_left":
        return
    for path, box in scene.steps(Letterbox, "preprocess").items():
        if box.align != "top_left":
            yield scene.problem(
                INPUT_FORMAT,
                (*path, "align"),
                f"{family.name} is trained with the image in the top left corner",
                box.align,
                "top_left",
                "write `align: top_left` in the letterbox",
            )


def _missing_order(scene: Scene, family: Family, given: InputFormat) -> Iterator[Problem]:
    """RGB, which is the default, for a model that is trained on BGR."""
    if given.channel_order == "bgr" and not scene.steps(Channels, "preprocess"):
        yield scene.problem(
            INPUT_FORMAT,
            ("preprocess",),
            f"{family.name} is trained on BGR; without `channels` it gets RGB",
            hint="add `- channels: bgr`",
        )


def _order(scene: Scene) -> Iterator[Problem]:
    """BGR for a model that is known to be trained on RGB."""
    model = scene.first_model
    trained = [
        f"{family.name} is trained"
        for _, family, given in _required(scene, "channels")
        if given.channel_order == "rgb"
    ]
    if model and {"names", "stride", "task"} <= set(model.signature.metadata):
        trained.append("the model is an export of Ultralytics, which trains")
    for path, step in scene.steps(Channels, "preprocess").items():
        if step.order == "bgr" and trained:
            what = f"{trained[0]} on RGB"
            yield scene.problem(CHANNEL_ORDER, path, what, "bgr", "rgb", "leave the step out")
