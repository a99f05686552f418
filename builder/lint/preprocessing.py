"""Images that reach the model in another form than those that it was trained on."""

from collections.abc import Iterator

from builder.diagnostics.errors import Problem
from builder.lint.scene import Scene
from runtimes.decoders.yolox import Yolox
from runtimes.interfaces import Segmenter, Tracking
from runtimes.preprocess.resize import Letterbox, Resize
from runtimes.preprocess.values import Channels, Normalize
from runtimes.segmenters.sam import Sam
from runtimes.segmenters.sam2 import Sam2
from runtimes.step import Decoder

_IMAGENET = "{mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}"
"""Of red, green and blue, 0 to 1: torchvision's numbers, and a 255th of SAM's."""

_MANY = 100
"""Values that go beyond this are no fractions, and a mean from 0 to 1 is none of theirs."""


def find(scene: Scene) -> Iterator[Problem]:
    """See builder.lint."""
    for decoder in scene.steps(Decoder).values():
        yield from _size(scene, decoder)
        if isinstance(decoder, Yolox):
            yield from _yolox(scene)
        elif decoder.brought == "letterbox":
            yield from _values(scene, decoder)
    for segmenter in scene.steps(Segmenter).values():
        yield from _size(scene, segmenter)
        if isinstance(segmenter, Sam):
            yield from _sam(scene)
        # An encoder of images of any size brings them to its own, and their values with it.
        if (
            segmenter.centred
            and scene.image
            and None not in (scene.image.height, scene.image.width)
        ):
            yield from _centred(scene, segmenter)
    for tracking in scene.steps(Tracking).values():
        if tracking.centred:
            yield from _centred(scene, tracking)
    yield from _order(scene)
    yield from _ranges(scene)


def _size(scene: Scene, decoder: Decoder | Segmenter) -> Iterator[Problem]:
    """A stretched image for a model that was trained on letterboxed ones, or the reverse."""
    name = decoder.name()
    if decoder.brought == "resize":
        for path in scene.steps(Letterbox, "preprocess"):
            yield scene.problem(
                "letterbox-for-stretched",
                path,
                f"models that `{name}` decodes are trained on stretched images, not on padded ones",
                "letterbox",
                "resize",
                "write `- resize` in its place, unless yours was trained with padding",
            )
    elif decoder.brought == "letterbox":
        for path in scene.steps(Resize, "preprocess"):
            yield scene.problem(
                "resize-for-letterboxed",
                path,
                f"models that `{name}` decodes are trained on padded images, not on stretched ones",
                "resize",
                "letterbox",
                "write `- letterbox` in its place, unless yours was trained on stretched images",
            )


def _values(scene: Scene, decoder: Decoder) -> Iterator[Problem]:
    """Values 0 to 255 for a model that was trained on 0 to 1."""
    image = scene.image
    if image and image.dtype.startswith("float") and not scene.steps(Normalize, "preprocess"):
        yield scene.problem(
            "values-not-scaled",
            ("preprocess",),
            f"models that `{decoder.name()}` decodes take values from 0 to 1; without `normalize` "
            "they get 0 to 255",
            hint="add `- normalize: 255`, unless yours was exported with the division inside",
        )


def _centred(scene: Scene, step: Segmenter | Tracking) -> Iterator[Problem]:
    """Values with ImageNet's mean for a model that was trained without it."""
    model = scene.first_model
    images = [it for it in model.signature.inputs if len(it.shape) in (3, 4)] if model else []
    if not images or not all(it.dtype.startswith("float") for it in images):
        return
    given = scene.steps(Normalize, "preprocess")
    if not given:
        yield scene.problem(
            "values-not-scaled",
            ("preprocess",),
            f"models for `{step.name()}` take values around 0; without `normalize` they get 0 to "
            "255",
            hint=f"add `- normalize: {_IMAGENET}`, unless yours was exported with that inside",
        )
    for path, values in given.items():
        if not any(values.mean):
            yield scene.problem(
                "values-not-centred",
                path,
                f"models for `{step.name()}` are trained on values from which ImageNet's mean was "
                "taken",
                "mean 0",
                "a mean and a std for each channel",
                f"write `- normalize: {_IMAGENET}`, unless yours was exported with that inside",
            )


def _ranges(scene: Scene) -> Iterator[Problem]:
    """A mean of values 0 to 255 taken from values 0 to 1, or the reverse."""
    for stage in scene.read.stages():
        for path, values in scene.steps(Normalize, "preprocess", stage).items():
            top, mean = 255 / values.scale, max(values.mean)
            told = (
                f"after `scale: {values.scale:g}` values go from 0 to {top:g}, but the mean is of "
            )
            if mean > top:
                yield scene.problem(
                    "normalize-range",
                    (*path, "mean"),
                    told + "larger ones",
                    list(values.mean),
                    f"at most {top:g}",
                    "write `scale: 1`, if mean and std are of values from 0 to 255",
                )
            elif top > _MANY and 0 < mean <= 1:
                yield scene.problem(
                    "normalize-range",
                    (*path, "mean"),
                    told + "values from 0 to 1",
                    list(values.mean),
                    hint="write `scale: 255`, if mean and std are of values from 0 to 1",
                )


def _sam(scene: Scene) -> Iterator[Problem]:
    """SAM has the image in the corner, since its decoder knows where the padding is."""
    for path, box in scene.steps(Letterbox, "preprocess").items():
        if box.align != "top_left":
            yield scene.problem(
                "sam-input",
                (*path, "align"),
                "SAM is trained with the image in the top left corner",
                box.align,
                "top_left",
                "write `align: top_left` in the letterbox",
            )


def _yolox(scene: Scene) -> Iterator[Problem]:
    """YOLOX is like no other YOLO: padded right and below, blue first, values as they are."""
    for path, box in scene.steps(Letterbox, "preprocess").items():
        if box.align != "top_left":
            yield scene.problem(
                "yolox-input",
                (*path, "align"),
                "YOLOX is trained with the image in the top left corner",
                box.align,
                "top_left",
                "write `- letterbox: {align: top_left}`",
            )
    for path, values in scene.steps(Normalize, "preprocess").items():
        if values.scale != 1:
            yield scene.problem(
                "yolox-input",
                path,
                "YOLOX takes the values 0 to 255 as they are, unless it is older than 0.1.1",
                f"scale: {values.scale:g}",
                hint="leave the step out",
            )
    if not scene.steps(Channels, "preprocess"):
        yield scene.problem(
            "yolox-input",
            ("preprocess",),
            "YOLOX is trained on BGR; without `channels` it gets RGB",
            hint="add `- channels: bgr`",
        )


def _order(scene: Scene) -> Iterator[Problem]:
    """BGR for a model that is known to be trained on RGB."""
    model = scene.first_model
    ultralytics = model and {"names", "stride", "task"} <= set(model.signature.metadata)
    sam = any(isinstance(step, Sam | Sam2) for step in scene.steps(Segmenter).values())
    if not ultralytics and not sam:
        return
    which = "SAM is trained" if sam else "the model is an export of Ultralytics, which trains"
    for path, step in scene.steps(Channels, "preprocess").items():
        if step.order == "bgr":
            yield scene.problem(
                "channel-order", path, f"{which} on RGB", "bgr", "rgb", "leave the step out"
            )
