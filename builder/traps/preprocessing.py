"""Images that reach the model in another form than those that it was trained on."""

from collections.abc import Iterator

from builder.errors import Problem
from builder.traps.scene import Scene
from runtimes.decoders.yolox import Yolox
from runtimes.preprocess.resize import Letterbox, Resize
from runtimes.preprocess.values import Channels, Normalize
from runtimes.step import Decoder


def find(scene: Scene) -> Iterator[Problem]:
    """See builder.traps."""
    for decoder in scene.steps(Decoder).values():
        yield from _size(scene, decoder)
        if isinstance(decoder, Yolox):
            yield from _yolox(scene)
        elif decoder.brought == "letterbox":
            yield from _values(scene, decoder)
    yield from _order(scene)


def _size(scene: Scene, decoder: Decoder) -> Iterator[Problem]:
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
    """BGR for a model that Ultralytics exported, which means that it was trained on RGB."""
    model = scene.first_model
    if model is None or not {"names", "stride", "task"} <= set(model.signature.metadata):
        return
    for path, step in scene.steps(Channels, "preprocess").items():
        if step.order == "bgr":
            yield scene.problem(
                "channel-order",
                path,
                "the model is an export of Ultralytics, which trains on RGB",
                "bgr",
                "rgb",
                "leave the step out",
            )
