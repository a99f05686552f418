"""Outputs that models of other tasks have, too."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from builder.families.init import draft_manifest
from builder.families.other_tasks import is_text_recognition, named_task, other_tasks
from builder.model.graph import Node
from runtimes.signature import Tensor
from tests.builder.families.made import Shape, evidence
from tests.zoo import image


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((1, 3, 64, 64), ["super-resolution", "denoising", "normals", "heatmaps"]),
        ((1, 64, 64, 3), ["super-resolution", "normals"]),
        ((1, 2, 64, 64), ["optical flow", "heatmaps"]),
        ((1, 16, 64, 64), ["heatmaps", "features"]),
        ((1, 1, 64, 64), ["depth", "alpha matting"]),
        ((1, 64, 64), ["depth"]),
        ((1, 136), ["landmarks", "embeddings"]),
        ((1, 3), ["head pose", "age"]),
        ((1, 512), ["embeddings", "audio"]),
        ((1, 40, 97), ["CTC", "audio"]),
    ],
)
def test_a_shape_has_rivals_in_words(shape: Shape, words: list[str]) -> None:
    listed = "; ".join(other_tasks(evidence({"y": shape})))
    for word in words:
        assert word in listed


def test_several_outputs_are_no_other_task() -> None:
    assert other_tasks(evidence({"y": (1, 3, 64, 64), "z": (1, 5)})) == ()


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("predicted_depth", "depth"),
        ("flow_final:0", "optical flow"),
        ("workflow/Relu", None),
        ("output", None),
        ("model/landmarks", "landmarks"),
    ],
)
def test_whole_words_of_names_count(name: str, task: str | None) -> None:
    assert named_task(evidence({name: (1, 1, 64, 64)})) == task


def test_expected_words_do_not_count() -> None:
    found = evidence({"embeddings": (1, 512)})
    assert named_task(found) == "embeddings"
    assert named_task(found, "embeddings") is None


@pytest.mark.parametrize(
    ("op", "shape", "fits"),
    [
        ("Softmax", (1, 40, 97), True),
        ("Softmax", (None, None, 6625), True),
        ("Softmax", (1, 2, 97), False),
        ("Sigmoid", (1, 40, 97), False),
    ],
)
def test_text_is_read_step_by_step(op: str, shape: Shape, fits: bool) -> None:
    found = evidence({"y": shape}, nodes=[Node(op, ("x",), ("y",))])
    assert is_text_recognition(found, Tensor("y", shape, "float32")) is fits


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("output", (1, 3, 64, 64), "denoising"),
        ("output", (1, 16, 64, 64), "heatmaps"),
        ("predicted_depth", (1, 64, 64), "depth"),
        ("output", (1, 10), "landmarks"),
        ("output", (1, 2, 64, 64), "optical flow"),
        ("output", (1, 3), "head pose"),
    ],
)
def test_init_marks_a_guess_and_names_the_other_tasks(
    tmp_path: Path, name: str, shape: tuple[int, ...], words: str
) -> None:
    net = image("input")
    values = np.random.default_rng(0).normal(0, 3, shape)
    net.give(name, net("Mul", net.known(values), net.fixed(1.0)), shape)
    draft = draft_manifest([net.save(tmp_path / "m.onnx")], tmp_path)
    assert draft.ranking.sureness == "unsure"
    assert yaml.safe_load(draft.text)["guessed"] is True
    assert any(words in note.found for note in draft.notes)
