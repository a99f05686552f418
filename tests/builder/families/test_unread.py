"""Outputs that a manifest does not read."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from builder.families.init import draft_manifest
from builder.families.inspect import Inspection
from builder.families.unread import listed, unread_outputs
from runtimes.decoders.saliency import Saliency
from runtimes.decoders.semantic import Semantic
from runtimes.signature import Tensor
from tests.zoo import u2net, yolov8
from tests.zoo.net import image, logit


@dataclass(frozen=True)
class Step:
    """A bound step."""

    output: str
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class Function:
    """A function with steps by name."""

    steps: dict[str, Step]


def tensor(name: str, *shape: int | None) -> Tensor:
    return Tensor(name, shape, "float32")


ROWS, MASKS, SIDE = tensor("rows", 1, 9, 6), tensor("masks", 1, 9, 8, 8), tensor("side", 1, 9, 6)


@pytest.mark.parametrize(
    ("bound", "unread"),
    [
        (Step("rows"), (MASKS, SIDE)),
        (Step("masks"), (ROWS, SIDE)),
        (Step("rows", ("masks",)), (SIDE,)),
        (Function({"a": Step("rows"), "b": Step("masks")}), (SIDE,)),
        (Step("other"), ()),  # the step finds its outputs at run time
    ],
)
def test_outputs_that_no_step_names_are_unread(bound: object, unread: tuple[Tensor, ...]) -> None:
    assert unread_outputs(bound, (ROWS, MASKS, SIDE)) == unread


MAP, SIDE_MAP, DEPTH = (tensor(name, 1, 1, 64, 64) for name in ("d0", "d1", "softmax"))


def test_outputs_of_the_same_shape_are_side_outputs_of_families_that_have_some() -> None:
    maps = (MAP, SIDE_MAP, tensor("small", 1, 1, 8, 8))
    assert unread_outputs(Saliency(output="d0"), maps) == maps[2:]
    assert unread_outputs(Semantic(output="d0"), maps) == maps[1:]


def test_features_of_layers_are_side_outputs_too() -> None:
    maps = (MAP, tensor("features", 1, 64, 32, 32), tensor("classes", 1, 3, 32, 32))
    assert unread_outputs(Saliency(output="d0"), maps) == maps[2:]
    assert unread_outputs(Semantic(output="d0"), maps) == maps[1:]


def test_the_word_of_a_choice_is_no_name_of_an_output() -> None:
    step = Semantic(output="d0", activation="softmax")
    assert unread_outputs(step, (MAP, DEPTH)) == (DEPTH,)


def test_inspect_reports_the_outputs_that_the_decoder_does_not_read(tmp_path: Path) -> None:
    side = Inspection.of(u2net(tmp_path / "u.onnx"), run=True)
    assert "not used" not in side.as_text()
    assert json.loads(side.as_json())["unused_outputs"] == []
    net = image("input")
    net.give("dets", net.known(np.zeros((1, 10, 5))), (1, 10, 5))
    net.give("labels", net("Cast", net.known(np.ones((1, 10))), to=7), (1, 10), "int64")
    net.give("vectors", net.known(np.zeros((1, 10, 32))), (1, 10, 32))
    inspected = Inspection.of(net.save(tmp_path / "n.onnx"), run=False)
    assert "- output `vectors` [1, 10, 32] is not used" in inspected.as_text()
    (found,) = json.loads(inspected.as_json())["unused_outputs"]
    assert found["name"] == "vectors"


def test_the_text_has_names_and_shapes() -> None:
    assert listed([tensor("masks", 1, 200, None)]) == "output `masks` [1, 200, ?] is not used"
    assert listed([ROWS, MASKS]) == ("outputs `rows` [1, 9, 6], `masks` [1, 9, 8, 8] are not used")


def test_init_reports_an_output_that_the_decoder_does_not_read(tmp_path: Path) -> None:
    net = image("input")
    dets = np.zeros((1, 10, 5), np.float32)
    dets[0, 0] = 16, 8, 48, 24, logit(0.9)
    net.give("dets", net.known(dets), (1, 10, 5))
    net.give("labels", net("Cast", net.known(np.ones((1, 10))), to=7), (1, 10), "int64")
    net.give("vectors", net.known(np.zeros((1, 10, 32))), (1, 10, 32))
    draft = draft_manifest([net.save(tmp_path / "m.onnx")], tmp_path)
    assert draft.ranking.matches[0].postprocess[0].name == "mmdeploy"
    assert "output `vectors` [1, 10, 32] is not used" in [note.what for note in draft.notes]
    draft = draft_manifest([yolov8(tmp_path / "y.onnx")], tmp_path)
    assert draft.notes == ()


def test_the_size_of_the_image_is_not_missed() -> None:
    size = Tensor("image_size", (2,), "int64")
    assert unread_outputs(Step("rows"), (ROWS, MASKS, size)) == (MASKS,)
