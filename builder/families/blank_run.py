"""Running a model on a blank and on a varied image, for the shapes and values of its outputs."""

from contextlib import suppress
from dataclasses import replace

import numpy as np

from builder.families.evidence import Evidence
from builder.model.file import Model
from runtimes.arrays import Array, Size
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend
from runtimes.errors import FunctionError
from runtimes.heap import release
from runtimes.network import EXTRA_INPUTS, extra_input
from runtimes.quiet import no_stderr
from runtimes.signature import ImageInput, Signature, Tensor

_SIDES = (640, 224, 512, 256, 320)
"""Sides of the images that are tried where the input's size is open: some graphs run at one size
only."""
_MOST_PIXELS = 4096 * 4096
MOST_BYTES = 400 * 2**20
"""Of a model that is run without being asked for: loading larger ones takes long."""


@no_stderr()
def with_blank_run(model: Model, evidence: Evidence, *, varied: bool = False) -> Evidence:
    """Return the evidence with the outputs for a blank image, and release the runtime's memory.

    See _run.
    """
    try:
        return _run(model, evidence, varied)
    finally:
        release()


def _run(model: Model, evidence: Evidence, varied: bool) -> Evidence:
    """Return the evidence with the outputs for a blank image.

    It stays as it is if the model cannot be run on an image alone.

    Args:
        model: the model.
        evidence: of the model.
        varied: whether to run it on a varied image too.
    """
    image = evidence.image
    if image is None:
        return evidence
    backend: Backend = OpenVino() if model.format == "ir" else OnnxRuntime("cpu", low_memory=True)
    try:
        session = backend.open(model.files[model.name].resolve())
    except (FunctionError, ImportError):
        return evidence
    failed = False
    for height, width in _sizes(image, evidence.size):
        try:
            found = session.run(_blank_inputs(evidence.signature, image, (height, width)))
            arrays = {name: np.array(array) for name, array in found.items()}
        except Exception:
            # Each runtime has its own exceptions.
            failed = True
            continue
        outputs = tuple(
            replace(it, shape=real_shape(it, arrays[it.name].shape)) if it.name in arrays else it
            for it in evidence.outputs
        )
        more: dict[str, Array] = {}
        if varied:
            inputs = _varied_inputs(evidence.signature, image, (height, width))
            # Some graphs fail if nothing is found.
            with suppress(Exception):
                more = {name: np.array(array) for name, array in session.run(inputs).items()}
        return replace(
            evidence,
            signature=replace(evidence.signature, outputs=outputs),
            blank_outputs=arrays,
            varied_outputs=more,
            size=(height, width),
            only_size=(height, width) if failed else None,
        )
    return evidence


def with_real_shapes(model: Model) -> Model:
    """Return the model with the shapes that its outputs have for a blank image.

    It stays as it is if it is too large, or cannot be run on an image alone.
    """
    if sum(path.stat().st_size for path in model.files.values()) > MOST_BYTES:
        return model
    evidence = with_blank_run(model, Evidence.of(model))
    arrays = evidence.blank_outputs
    return model.with_shapes({it.name: it.shape for it in evidence.outputs if it.name in arrays})


def _sizes(image: ImageInput, size: Size | None) -> list[Size]:
    """Return the heights and widths to try, the most likely first."""
    tried = [*([size] if size else []), *((side, side) for side in _SIDES)]
    sizes = [(image.height or height, image.width or width) for height, width in tried]
    return [(height, width) for height, width in sizes if height * width <= _MOST_PIXELS]


def _blank_inputs(signature: Signature, image: ImageInput, size: Size) -> dict[str, Array]:
    """Return the model's inputs for a gray image of this size."""
    axes = {"n": 1, "c": image.channels or 3, "h": size[0], "w": size[1]}
    dtype = np.dtype(image.dtype)
    gray = 0.5 if dtype.kind == "f" else 127
    extras = {it.name: extra_input(it, size) for it in signature.inputs if it.name in EXTRA_INPUTS}
    blank = np.full([axes[axis] for axis in image.layout], gray, dtype)
    return {image.name: blank, **extras}


def _varied_inputs(signature: Signature, image: ImageInput, size: Size) -> dict[str, Array]:
    """Return the model's inputs for an image of gradients, edges and noise, of this size."""
    height, width = size
    # Single precision and one channel at a time: the runtime holds the model meanwhile.
    y, x = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None]
    noise = np.random.default_rng(0).random((height, width), np.float32) * np.float32(0.3)
    noise += 0.3 * ((x // max(width // 6, 1) + y // max(height // 6, 1)) % 2)
    inputs = _blank_inputs(signature, image, size)
    varied = inputs[image.name]
    scale = 1 if varied.dtype.kind == "f" else 255
    channels = np.moveaxis(varied, image.layout.index("c"), 0)
    for number, channel in enumerate(channels):
        # Each channel has a gradient in another direction.
        gradient = (x / width, y / height, 1 - x / width, 1 - y / height)[number % 4]
        channel[...] = np.clip(0.4 * gradient + noise, 0, 1) * scale
    return inputs


def real_shape(tensor: Tensor, shape: tuple[int, ...]) -> tuple[int | None, ...]:
    """Return an output's real shape, with the sizes that vary from image to image left open.

    A blank image has few detections or none, so the size of an open first axis means nothing.
    """
    if len(shape) != len(tensor.shape):
        return shape
    return tuple(
        None if declared is None and (size == 0 or (place == 0 and len(shape) < 4)) else size
        for place, (declared, size) in enumerate(zip(tensor.shape, shape, strict=True))
    )
