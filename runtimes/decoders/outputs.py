"""What decoders share: outputs by name, boxes from centres, scores from logits, the task."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from runtimes.arrays import Array
from runtimes.errors import BadModel, Fault
from runtimes.signature import Signature, Tensor

_SLACK = 0.01
"""How far from 0..1 a probability may stray: half precision rounds."""


def take(outputs: Mapping[str, Array], name: str | None) -> Array:
    """The output called `name`.

    Raises:
        BadModel: it is not among the outputs.
    """
    if name is None or name not in outputs:
        raise BadModel(
            f"the model gave no output '{name}'", where="output", found=", ".join(outputs)
        )
    return outputs[name]


def corners(boxes: Array) -> Array:
    """(N, 4) centre x, centre y, width, height -> (N, 4) x1 y1 x2 y2."""
    boxes = boxes.astype(np.float32)  # half precision has steps of half a pixel from 512 on
    half = boxes[:, 2:4] / 2
    with np.errstate(invalid="ignore"):  # what is not finite is dropped later
        return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def sigmoid(logits: Array) -> Array:
    """1 / (1 + exp(-logits)), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits.astype(np.float32))))


def softmax(logits: Array, axis: int) -> Array:
    """Exponentials that sum to 1 along `axis`."""
    logits = logits.astype(np.float32)
    with np.errstate(invalid="ignore"):  # what is not finite is dropped later
        powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def probabilities(values: Array, activation: Literal["none", "sigmoid"], step: str) -> Array:
    """What an output says about each class or pixel on its own, as numbers 0..1.

    Args:
        values: of any shape and float type.
        activation: "none" where the graph ends in probabilities, "sigmoid" where it ends before.
        step: the step's name, for the message.

    Raises:
        BadModel: they are to be probabilities already, and are not.
    """
    if activation == "sigmoid":
        return sigmoid(values)
    span = span_outside_unit(values)
    if span:
        raise BadModel(
            f"`{step}` takes the model's values for probabilities, but they are none",
            where="activation",
            found=f"values {span}",
            allowed="values from 0 to 1",
            hint="values before the last activation need `activation: softmax` (one of several "
            "classes) or `activation: sigmoid` (each on its own)",
        )
    return values.clip(0, 1)


def span_outside_unit(values: Array) -> str:
    """From where to where values reach, in words, if they cannot be probabilities; else nothing.

    Infinities do not count: they are an overflow, not another meaning.
    """
    least, most = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    outside = -np.inf < least < -_SLACK or 1 + _SLACK < most < np.inf
    return f"from {least:.4g} to {most:.4g}" if outside else ""


def check_task(signature: Signature, tensor: Tensor, task: str) -> None:
    """Stop where the file's own metadata name another task.

    A 3-class detector and a 2-class oriented-box model have the same output shape; only the task
    in Ultralytics' metadata tells them apart.

    Raises:
        BadModel: the metadata name a task other than `task`.
    """
    named = signature.metadata.get("task", task)
    if named != task:
        step = {"detect": "yolo", "classify": "classify", "semantic": "semantic"}.get(
            named, f"yolo_{named}"
        )
        raise BadModel(
            f"the model's metadata say `task: {named}`; this step decodes `{task}`",
            found=str(tensor),
            allowed=f"a model exported with task {task}",
            hint=f"`{step}` (or its end2end form) is for such models",
            fault=Fault.MODEL_TASK,
        )
