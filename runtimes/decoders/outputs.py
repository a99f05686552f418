"""Helpers of decoders: outputs by name, box formats, activations, the model's task."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from runtimes.arrays import Array
from runtimes.errors import BadModel, Fault
from runtimes.signature import Signature, Tensor

_SLACK = 0.01
"""Tolerance of the range 0..1 of probabilities, for the rounding of half precision."""


def take(outputs: Mapping[str, Array], name: str | None) -> Array:
    """Return the output called `name`.

    Raises:
        BadModel: there is no such output.
    """
    if name is None or name not in outputs:
        raise BadModel(
            f"the model has no output '{name}'", where="output", found=", ".join(outputs)
        )
    return outputs[name]


def corners(boxes: Array) -> Array:
    """Convert (N, 4) boxes from center x, center y, width, height to x1 y1 x2 y2."""
    boxes = boxes.astype(np.float32)  # above 512, half precision is exact to half a pixel only
    half = boxes[:, 2:4] / 2
    with np.errstate(invalid="ignore"):  # Instances.of drops values that are not finite
        return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def sigmoid(logits: Array) -> Array:
    """Return 1 / (1 + exp(-logits)) as float32, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits.astype(np.float32))))


def softmax(logits: Array, axis: int) -> Array:
    """Return the softmax along `axis` as float32."""
    logits = logits.astype(np.float32)
    with np.errstate(invalid="ignore"):  # Instances.of drops values that are not finite
        powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def probabilities(values: Array, activation: Literal["none", "sigmoid"], step: str) -> Array:
    """Return independent probabilities, 0..1, of classes or pixels.

    Args:
        values: of any shape and float type.
        activation: "none" if the values are probabilities, "sigmoid" if they are logits.
        step: the step's name, for the message.

    Raises:
        BadModel: `activation` is "none" and the values are outside 0..1.
    """
    if activation == "sigmoid":
        return sigmoid(values)
    # numpy computes numbers of half precision one by one, which takes more than twice as long as
    # converting them.
    single = values.astype(np.float32) if values.dtype == np.float16 else values
    span = span_outside_unit(single)
    if span:
        raise BadModel(
            f"the model's values are not probabilities, which `{step}` expects",
            where="activation",
            found=f"values {span}",
            allowed="values from 0 to 1",
            hint="for logits, set `activation: softmax` (exclusive classes) or `activation: "
            "sigmoid` (independent classes)",
        )
    return np.asarray(single.clip(0, 1).astype(values.dtype, copy=False))


def scored(scores: Array, threshold: float, *, multi_label: bool) -> tuple[Array, Array]:
    """Return the candidates with a score above the threshold, and their classes.

    Args:
        scores: (N, classes).
        threshold: 0..1.
        multi_label: whether a candidate counts once for each class above the threshold, or once,
            as the class with its highest score.

    Returns:
        (M,) indexes of candidates, (M,) class IDs.
    """
    # Few scores exceed the threshold, and numpy finds them in a flat array in a tenth of the time
    # that the highest score of each row takes.
    places = np.flatnonzero(exceeding(scores, threshold))
    candidates, numbers = np.divmod(places, scores.shape[1])
    if multi_label:
        return candidates, numbers
    candidates = np.unique(candidates)
    return candidates, scores[candidates].argmax(axis=1)


def exceeding(values: Array, threshold: float) -> Array:
    """Return which values exceed a threshold, which is rounded to their precision.

    NaN may exceed it in half precision; Instances.of drops what is not finite.
    """
    if values.dtype == np.float16 and threshold >= 0:
        # The bits of numbers from 0 on, as integers, have the order of the numbers; those of
        # negative numbers are negative. numpy compares numbers of half precision one by one, which
        # takes twenty times as long.
        return np.asarray(values.view(np.int16) > np.float16(threshold).view(np.int16))
    return np.asarray(values > threshold)


def span_outside_unit(values: Array) -> str:
    """Return the range of values as text if it exceeds 0..1, otherwise an empty text.

    Infinities are ignored: they come from an overflow in probabilities.
    """
    least, most = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    outside = -np.inf < least < -_SLACK or 1 + _SLACK < most < np.inf
    return f"from {least:.4g} to {most:.4g}" if outside else ""


def check_task(signature: Signature, tensor: Tensor, task: str) -> None:
    """Compare the step's task with the task in the model's metadata, if there is one.

    A detector of 3 classes and an oriented-box model of 2 classes have the same output shape. Only
    the task in Ultralytics' metadata distinguishes them.

    Raises:
        BadModel: the metadata have another task than `task`.
    """
    named = signature.metadata.get("task", task)
    if named != task:
        step = {"detect": "yolo", "classify": "classify", "semantic": "semantic"}.get(
            named, f"yolo_{named}"
        )
        raise BadModel(
            f"the model's metadata have `task: {named}`; this step decodes `{task}`",
            found=str(tensor),
            allowed=f"a model exported with task {task}",
            hint=f"use `{step}` or its end2end variant",
            fault=Fault.WRONG_TASK,
        )
