"""The sizes that the image inputs of a function's models can have, and the buckets for them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from builder.backends.onnxruntime_cuda import CudaSettings
from builder.manifest.variants import VariantSettings
from builder.model.file import Model
from builder.model.graph import Graph
from runtimes.arrays import Size
from runtimes.backends.varying_input import VaryingInput
from runtimes.decoders.classify import Classify
from runtimes.decoders.rcnn import Torchvision
from runtimes.detector import Detector
from runtimes.frame import Frame
from runtimes.geometry import Geometry
from runtimes.network import Network
from runtimes.preprocess.resize import CenterCrop, Letterbox, Resize
from runtimes.preprocess.text import ResizeHeight, ResizeMultiple
from runtimes.preprocess.values import Layout
from runtimes.reid import Reid
from runtimes.signature import Tensor

BATCH = 8
"""The number of images in each batch on CUDA, where another number is another shape."""

_ASPECTS = ((1, 1), (3, 4), (4, 3), (9, 16), (16, 9))
"""Height and width of usual images: squares, photos and video frames. Photos of 2:3 fit into the
size for 3:4 with little padding."""

_CONVOLUTIONS = frozenset({"Conv", "ConvTranspose"})
"""The operations whose algorithms depend on the shape of their input."""

_LINES = 5
"""Number of steps from the least to the greatest width of a line of text."""


@dataclass(frozen=True, slots=True)
class InputSizes:
    """The sizes of a model's image input.

    Attributes:
        usual: the sizes of usual images, among them the largest one.
        largest: the size that holds all others; None if there is no limit.
        multiple: sides are multiples of this number.
    """

    usual: tuple[Size, ...] = ()
    largest: Size | None = None
    multiple: int = 1


def input_sizes(network: Network, tensor: Tensor, graph: Graph | None = None) -> InputSizes | None:
    """Return the sizes of a model's image input after preprocessing; None if there is only one.

    Args:
        network: the model, with bound steps.
        tensor: its image input.
        graph: its graph. There is only one size, too, if the graph resizes images of any size.
    """
    for step in network.preprocess:
        match step:
            case Letterbox(stride=None) | Resize() | CenterCrop():
                return None
            case Letterbox(size=(int() as height, int() as width), stride=int() as stride):
                blank = (np.zeros((32 * h, 32 * w, 3), np.uint8) for h, w in _ASPECTS)
                usual = {step(Frame(image, Geometry())).size for image in blank}
                return InputSizes(_by_area({*usual, (height, width)}), (height, width), stride)
            case ResizeMultiple(longest=None, multiple=multiple):
                return InputSizes(multiple=multiple)
            case ResizeMultiple(longest=int() as longest, multiple=multiple):
                # Images that are enlarged to the shortest side, and those reduced to the longest.
                small = [(720, 1280), (1280, 720)]
                large = [(longest * h // max(h, w), longest * w // max(h, w)) for h, w in _ASPECTS]
                usual = {step.content(size) for size in (*small, *large)}
                return InputSizes(_by_area(usual), step.content((longest, longest)), multiple)
            case ResizeHeight(height=int() as height, width=width, longest=longest):
                return _line_sizes(step, height) if width < longest else None
    layouts = [step.order for step in network.preprocess if isinstance(step, Layout)]
    layout = (layouts or ["nchw"])[-1] or "nchw"
    is_open = any(tensor.shape[layout.index(axis)] is None for axis in "hw")
    return InputSizes() if is_open and not (graph and _resizes(graph)) else None


def _resizes(graph: Graph) -> bool:
    """Return whether all convolutions of a graph have inputs of one size."""
    sources = [node.inputs[0] for node in graph.nodes if node.op in _CONVOLUTIONS]
    shapes = [graph.shapes.get(it) for it in sources]
    return bool(shapes) and all(it is not None and None not in it[2:] for it in shapes)


def _line_sizes(step: ResizeHeight, height: int) -> InputSizes:
    """Return the sizes of lines of text: widths in a geometric series, rounded up."""
    growth = step.longest / step.width
    widths = (step.width * growth ** (number / _LINES) for number in range(_LINES + 1))
    rounded = {min(-(-round(it) // step.multiple) * step.multiple, step.longest) for it in widths}
    # The first width is not rounded by the step.
    usual = {(height, width) for width in rounded | {step.width} if width >= step.width}
    return InputSizes(_by_area(usual), (height, step.longest), 1)


def networks(function: object) -> Iterator[tuple[Network, bool]]:
    """Yield the models with an image input, and whether they run on batches of crops.

    Encoders of interactors and models of trackers have fixed sizes.
    """
    if isinstance(function, Detector):
        yield function.network, False
        for second in function.then:
            yield second.network, True
    elif isinstance(function, Reid):
        yield function.network, True


def takes_padding(function: object) -> bool:
    """Return whether the first model's results depend little on padding.

    torchvision's detectors resize their input by its sides, and classifiers average over it.
    """
    return not (
        isinstance(function, Detector) and isinstance(function.decoder, Torchvision | Classify)
    )


def varying_inputs(
    function: object, models: Iterable[Model], settings: VariantSettings
) -> dict[str, VaryingInput]:
    """Return how the models run whose inputs vary in shape: name of the model file -> description.

    Args:
        function: the function, with bound steps.
        models: its models.
        settings: those of the variant; nothing varies on other backends than CUDA.
    """
    if not isinstance(settings, CudaSettings):
        return {}
    named = {model.name: model for model in models}
    found = {}
    for number, (network, batched) in enumerate(networks(function)):
        model = named[network.file]
        (tensor,) = (it for it in model.signature.inputs if it.name == network.input)
        sizes = input_sizes(network, tensor, model.graph)
        batch = BATCH if batched and len(tensor.shape) == 4 and tensor.shape[0] is None else None
        buckets: tuple[Size, ...] = ()
        if sizes is not None and settings.buckets != "none":
            if number == 0 and settings.buckets != "auto":
                buckets = settings.buckets
            elif number > 0 or takes_padding(function):
                buckets = sizes.usual
        search = settings.cudnn_conv_algo_search
        if sizes is not None and search == "EXHAUSTIVE":
            search = "DEFAULT"
        if sizes is not None or batch is not None:
            found[network.file] = VaryingInput(buckets, batch, search)
    return found


def _by_area(sizes: set[Size]) -> tuple[Size, ...]:
    """Return sizes, the one with the fewest pixels first."""
    return tuple(sorted(sizes, key=lambda it: (it[0] * it[1], it)))
