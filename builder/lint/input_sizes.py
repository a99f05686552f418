"""Image inputs of varying size on CUDA, and the sizes to which they are padded."""

from collections.abc import Iterator

from builder.backends.onnxruntime_cuda import CudaSettings
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule, warning
from builder.lint.scene import Scene
from builder.plan.varying_inputs import InputSizes, input_sizes, networks, takes_padding
from runtimes.arrays import Size
from runtimes.preprocess.text import ResizeMultiple

BUCKETS_WITHOUT_EFFECT = warning(
    "buckets-without-effect",
    "Buckets without effect",
    "All inputs of the model have one size, to which nothing is padded.",
)
BUCKETS_CHANGE_RESULTS = Rule(
    "buckets-change-results",
    "Buckets for a model that resizes its input",
    "The model scales the image by the sides of its input, so that padding makes objects smaller.",
)
BUCKET_SIZE = Rule(
    "bucket-size",
    "Bucket is not a multiple",
    "The model fails on inputs of such a size, or shifts its results.",
)
VARYING_INPUT_SIZE = warning(
    "varying-input-size",
    "Input size varies on the GPU",
    "CUDA chooses the algorithms of convolutions again after each change of the size. That took 40 "
    "to 120 ms in tests with three models.",
)


def find(scene: Scene) -> Iterator[Problem]:
    """Yield problems of the model that takes the image."""
    first = next(iter(networks(scene.function)), None)
    model = scene.first_model
    if first is None or model is None:
        return
    network, _ = first
    (tensor,) = (it for it in model.signature.inputs if it.name == network.input)
    sizes = input_sizes(network, tensor, model.graph)
    for path, settings in scene.variants():
        if isinstance(settings, CudaSettings):
            given = () if isinstance(settings.buckets, str) else settings.buckets
            yield from _declared(scene, (*path, "buckets"), given, sizes)
            buckets = given
            if sizes is not None and settings.buckets == "auto" and takes_padding(scene.function):
                buckets = sizes.usual
            if sizes is not None:
                yield from _open(scene, path, settings.buckets, buckets, sizes)


def _declared(
    scene: Scene, path: Path_, buckets: tuple[Size, ...], sizes: InputSizes | None
) -> Iterator[Problem]:
    """Yield problems of the sizes in the manifest."""
    if buckets and sizes is None:
        yield scene.problem(
            BUCKETS_WITHOUT_EFFECT,
            path,
            "the model's input has the same size for all images",
            hint="remove `buckets`",
        )
        return
    if buckets and not takes_padding(scene.function):
        yield scene.problem(
            BUCKETS_CHANGE_RESULTS,
            path,
            "torchvision's detectors and classifiers depend on the sides of the input",
            hint="remove `buckets`",
        )
        return
    for index, (height, width) in enumerate(buckets):
        multiple = sizes.multiple if sizes else 1
        if height % multiple or width % multiple:
            yield scene.problem(
                BUCKET_SIZE,
                (*path, index),
                f"the sides {height} and {width} are not multiples of {multiple}, to which "
                "preprocessing rounds the input",
                f"[{height}, {width}]",
                f"multiples of {multiple}",
                f"write `[{_up(height, multiple)}, {_up(width, multiple)}]`",
            )


def _open(
    scene: Scene,
    path: Path_,
    given: object,
    buckets: tuple[Size, ...],
    sizes: InputSizes,
) -> Iterator[Problem]:
    """Yield a problem if no bucket holds the largest input."""
    largest = sizes.largest
    if buckets and not takes_padding(scene.function):
        return  # The buckets themselves are reported.
    if largest and any(it[0] >= largest[0] and it[1] >= largest[1] for it in buckets):
        return
    steps = scene.steps(ResizeMultiple, "preprocess")
    unlimited = [key for key, step in steps.items() if step.longest is None]
    where: Path_ = ("preprocess",)
    if not isinstance(given, str):
        where = (*path, "buckets")
        what = "some inputs are larger than all buckets, and run at their own size"
        hint = f"add [{largest[0]}, {largest[1]}]" if largest else "limit the size of the input"
    elif given == "none":
        where = (*path, "buckets")
        what = "inputs of different sizes run without padding"
        hint = "remove `buckets`"
    elif unlimited:
        where = unlimited[0]
        what = f"{steps[where].name()} without `longest` gives inputs of any size"
        hint = "write `longest: 1920`, with the longest side that your images need"
    elif not takes_padding(scene.function):
        what = "the model takes images at their own size, and resizes them by itself"
        hint = (
            "set `gpu: false` under `variants` if images differ in size: on 16 cores, a Mask R-CNN "
            "took 14 ms for an image of a new size, on a GPU 94 ms"
        )
    else:
        what = "the model takes images at their own size"
        hint = "add a step that resizes images, or list sizes in `buckets` under `variants.gpu`"
    yield scene.problem(VARYING_INPUT_SIZE, where, what, hint=hint)


def _up(side: int, multiple: int) -> int:
    """Round a side up to a multiple."""
    return -(-side // multiple) * multiple
