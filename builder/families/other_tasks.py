"""Other tasks whose models have outputs of the same shapes as those of known families."""

import re

from builder.families.evidence import Evidence
from runtimes.signature import Tensor

_WORDS = {
    "depth": "depth",
    "disp": "depth",
    "disparity": "depth",
    "flow": "optical flow",
    "normal": "surface normals",
    "normals": "surface normals",
    "heatmap": "heatmaps of keypoints",
    "heatmaps": "heatmaps of keypoints",
    "landmark": "landmarks",
    "landmarks": "landmarks",
    "keypoints": "landmarks",
    "pose": "head or body pose",
    "yaw": "head pose",
    "gaze": "gaze direction",
    "age": "age",
    "denoised": "denoising",
    "upscaled": "super-resolution",
    "sr": "super-resolution",
    "ctc": "text recognition (CTC)",
    "embedding": "embeddings",
    "embeddings": "embeddings",
    "audio": "audio",
    "waveform": "audio",
    "mel": "audio",
    "spectrogram": "audio",
}
"""Word in the name of an input or output -> the task that it names."""

_SINGLE_CHANNEL = ("depth", "alpha matting", "grayscale images (denoising, super-resolution)")
_LANDMARKS = (5, 21, 29, 33, 39, 68, 98, 106, 468, 478)
"""Numbers of landmarks of faces and hands in data sets and models."""
_MOST_ANGLES = 6
_CTC_STEPS = 8
"""No text recognizer reads a line in fewer steps."""


def named_task(evidence: Evidence, *expected: str) -> str | None:
    """Return the task that the name of an output states, unless it is an expected one.

    Args:
        evidence: of the model.
        expected: words that name the task of the family in question.
    """
    for tensor in evidence.outputs:
        for word in re.split(r"[^a-z]+", tensor.name.lower()):
            if word in _WORDS and word not in expected and _WORDS[word] not in expected:
                return _WORDS[word]
    return None


def takes_audio(evidence: Evidence) -> bool:
    """Whether the name of an input states that the model takes audio, not an image."""
    names = [tensor.name.lower() for tensor in evidence.signature.inputs]
    return any(_WORDS.get(word) == "audio" for it in names for word in re.split(r"[^a-z]+", it))


def other_tasks(evidence: Evidence) -> tuple[str, ...]:
    """Return the tasks of other models whose outputs have the same shapes, in words."""
    if len(evidence.outputs) != 1:
        return ()
    (tensor,) = evidence.outputs
    shape = tensor.shape
    if len(shape) == 4 and 1 not in shape[1:]:
        return _of_maps(evidence, tensor)
    if len(shape) in (3, 4) and _covers(evidence, tensor):
        return _SINGLE_CHANNEL
    if len(shape) == 2 or (len(shape) == 4 and shape[2:] == (1, 1)):
        return _of_vector(shape[1])
    if len(shape) == 3:
        return ("text recognition (CTC: steps x characters)", "audio (frames x features)")
    return ()


def is_text_recognition(evidence: Evidence, tensor: Tensor) -> bool:
    """Whether an output has a Softmax over characters for each step: [1, steps, characters]."""
    shape = tensor.shape
    if len(shape) != 3 or evidence.graph.last_op(tensor.name) not in ("Softmax", "LogSoftmax"):
        return False
    return shape[1] is None or shape[1] >= _CTC_STEPS


def _of_maps(evidence: Evidence, tensor: Tensor) -> tuple[str, ...]:
    """Return the tasks of models with several channels for each pixel."""
    channels = {tensor.shape[1], tensor.shape[3]}
    found: list[str] = []
    if 3 in channels:
        found += ["images (super-resolution, denoising, style transfer)", "surface normals"]
    if 2 in channels:
        found.append("optical flow")
    found += ["heatmaps of keypoints", "features of an encoder"]
    return tuple(found)


def _of_vector(length: int | None) -> tuple[str, ...]:
    """Return the tasks of models with one vector for each image."""
    found: list[str] = []
    if length is not None and length <= _MOST_ANGLES:
        found += ["head pose (angles)", "gaze or age (regression)"]
    if length is not None and any(length in (2 * it, 3 * it) for it in _LANDMARKS):
        found.append("landmarks (coordinates)")
    return (*found, "embeddings", "audio")


def _covers(evidence: Evidence, tensor: Tensor) -> bool:
    """Whether an output has one value for each pixel of the input, or of a smaller grid of it."""
    sides = [size for size in tensor.shape[1:] if size != 1]
    if len(sides) != 2 or evidence.size is None or None in sides:
        return len(sides) == 2
    height, width = (size or 0 for size in sides)
    return height * evidence.size[1] == width * evidence.size[0]
