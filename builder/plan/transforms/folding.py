"""A transform that moves value steps of preprocessing from a function into its model files.

The function then hands the resized pixels to the model: a copy of bytes instead of a multiplication
and a transposition in numpy.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from builder.model.file import Model
from builder.model.onnx_wire import with_input_replaced
from builder.model.pixel_graph import OLDEST_OPSET, pixel_graph
from builder.model.pixel_layers import with_pixel_layers
from builder.model.pixel_operations import Operation, pixel_operations
from builder.plan.binding import VALUE_STEPS
from builder.plan.content import Content, Derived, read, view
from builder.plan.plan import Plan
from runtimes.detector import Detector
from runtimes.frame import Frame
from runtimes.geometry import Geometry
from runtimes.interactor import Interactor
from runtimes.network import Network
from runtimes.preprocess.values import Layout, Normalize
from runtimes.reid import Reid
from runtimes.service import Function
from runtimes.signature import LayoutName, Tensor
from runtimes.step import Preprocess
from runtimes.tracker import Tracker

MAX_BYTES = 2**31 - 2**20
"""Maximum size of an ONNX file: Protocol Buffers limit messages to 2 GiB. Larger models have their
weights in files of their own, which stay as they are."""

_CHANNELS_LAST: dict[LayoutName, LayoutName] = {
    "nchw": "nhwc",
    "nhwc": "nhwc",
    "chw": "hwc",
    "hwc": "hwc",
}
"""Layout of a model's input -> layout of the pixels."""


def with_folded_preprocessing(plan: Plan) -> Plan:
    """Return the plan with `normalize`, `layout` and type conversions in the graphs; see Transform.

    The input of a folded model takes pixels, uint8 with the channels last. The order of the
    channels stays in the function, because OpenCV changes it in a tenth of the time of a graph.

    These stay as they are:

    - ONNX files before opset 7, and models that take pixels already;
    - single models of interactors, which run several times on one preprocessed image;
    - models with channels last, a dynamic width, and numbers that differ by channel.
    """
    if not plan.manifest.fold_preprocessing:
        return plan
    folding = _Folding(plan)
    function = folding.function(plan.function)
    if folding.plan is plan:
        return plan
    written = folding.plan.written
    changed = [
        name
        for name, it in folding.plan.contents.items()
        if name in written and it != plan.contents.get(name)
    ]
    return replace(folding.plan, function=function, notes=(*plan.notes, _note(changed)))


def _note(files: Sequence[str]) -> str:
    """Return a paragraph about the changed files for the function's README."""
    names = ", ".join(f"`{name}`" for name in files)
    differ = "which therefore differs from the file that the manifest names"
    digests = "`build.lock` has the digest of that file under `sources`"
    if len(files) > 1:
        differ = "which therefore differ from the files that the manifest names"
        digests = "`build.lock` has the digests of those files under `sources`"
    return (
        f"The conversion of pixels to the model's input (values, type, order of the axes) is part "
        f"of {names}, {differ}. {digests}. `fold_preprocessing: false` in the manifest leaves the "
        "conversion in the function's code."
    )


class _Folding:
    """The plan while models are folded, one after the other."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def function(self, function: Function) -> Function:
        """Fold the models of a function."""
        if isinstance(function, Tracker):
            return self._tracker(function)
        if isinstance(function, Interactor) and function.decoder is None:
            return function
        assert isinstance(function, Detector | Interactor | Reid)
        function = replace(function, network=self._network(function.network))
        if isinstance(function, Detector):
            then = [replace(it, network=self._network(it.network)) for it in function.then]
            function = replace(function, then=tuple(then))
        return function

    def _network(self, network: Network) -> Network:
        """Fold a model with its own preprocessing."""
        name = self._input(network.file, network.input, network.preprocess)
        if name is None:
            return network
        return replace(network, input=name, preprocess=_left(network.preprocess))

    def _tracker(self, tracker: Tracker) -> Tracker:
        """Fold the encoder of a tracker, or the inputs for the template and for the search."""
        step, before, steps = tracker.step, self.plan, tracker.preprocess
        if tracker.encoder:
            image = self._input(tracker.encoder, step.image, steps)
            step = replace(step, image=image)
            is_folded = image is not None
        else:
            template = self._input(tracker.model, step.template, steps)
            search = self._input(tracker.model, step.search, steps)
            step = replace(step, template=template, search=search)
            is_folded = None not in (template, search)
        if not is_folded:
            self.plan = before  # One preprocessing feeds both inputs.
            return tracker
        return replace(tracker, preprocess=_left(steps), step=step)

    def _input(self, file: str, name: str | None, steps: tuple[Preprocess, ...]) -> str | None:
        """Fold the value steps of an input into the graph.

        Returns:
            The name of the input that takes pixels; None if the steps cannot be folded.
        """
        model = next(it for it in self.plan.models if it.name == file)
        if not _is_foldable(model):
            return None
        frame = Frame(np.zeros((1, 1, 3), np.uint8), Geometry())
        for step in steps:
            frame = step(frame) if isinstance(step, VALUE_STEPS) else frame
        factor, offset = frame.linear()
        values = next(it for it in model.signature.inputs if it.name == name)
        sizes = values.shape
        sides = sizes[-2:] if "chw" in frame.layout else sizes[-3:-1]
        taken = values.name if model.format == "ir" else _unused(f"{values.name}_pixels", model)
        pixels = Tensor(taken, (*sizes[:-3], *sides, len(factor)), "uint8")
        operations = pixel_operations(pixels, values.dtype, frame.layout, factor, offset)
        if not operations:
            return None
        fold = _onnx_contents if model.format == "onnx" else _ir_contents
        self.plan = self.plan.with_contents(fold(self.plan, model, values.name, pixels, operations))
        inputs = tuple(pixels if it is values else it for it in model.signature.inputs)
        folded = replace(model, signature=replace(model.signature, inputs=inputs))
        models = tuple(folded if it is model else it for it in self.plan.models)
        self.plan = replace(self.plan, models=models)
        return pixels.name


def _onnx_contents(
    plan: Plan, model: Model, name: str, pixels: Tensor, operations: Sequence[Operation]
) -> dict[str, Content]:
    """Return the content of a folded ONNX file; its weights in other files stay as they are."""
    front = pixel_graph(pixels, name, operations)

    def changed(content: Content) -> bytes:
        return with_input_replaced(view(content), name, front)

    versions = plan.versions(model.name)
    return {name: Derived.of(plan.files[name], front, changed) for name in versions}


def _ir_contents(
    plan: Plan, model: Model, name: str, pixels: Tensor, operations: Sequence[Operation]
) -> dict[str, Content]:
    """Return the content of both files of a folded OpenVINO IR."""
    net, weights = (plan.files[file] for file in model.files)
    size = weights.stat().st_size if isinstance(weights, Path) else len(read(weights))
    recipe = repr((pixels, size, [(op, np.asarray(it).tolist()) for op, it in operations])).encode()

    def changed(content: Content) -> bytes:
        return with_pixel_layers(read(content), size, pixels, operations)[0]

    def appended(content: Content) -> bytes:
        return b"".join([view(content), with_pixel_layers(read(net), size, pixels, operations)[1]])

    contents = Derived.of(net, recipe, changed), Derived.of(weights, recipe, appended)
    return dict(zip(model.files, contents, strict=True))


def _left(steps: tuple[Preprocess, ...]) -> tuple[Preprocess, ...]:
    """Return the steps that a folded model needs: without `normalize`, with the channels last."""
    return tuple(
        Layout(_CHANNELS_LAST[step.order or "nchw"]) if isinstance(step, Layout) else step
        for step in steps
        if not isinstance(step, Normalize)
    )


def _is_foldable(model: Model) -> bool:
    """Return whether operations can be added to a model."""
    if model.format == "ir":
        return True
    opset = model.graph.opset
    size = model.files[model.name].stat().st_size
    return opset is not None and opset >= OLDEST_OPSET and size < MAX_BYTES


def _unused(name: str, model: Model) -> str:
    """Return a name that no tensor's name in the model begins with."""
    tensors = {it.name for it in (*model.signature.inputs, *model.signature.outputs)}
    tensors |= model.graph.weights.keys()
    tensors |= {it for node in model.graph.nodes for it in (*node.inputs, *node.outputs)}
    while any(it.startswith(name) for it in tensors):
        name += "_"
    return name
