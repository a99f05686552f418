"""Outputs that a manifest does not read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from builder.families.init import draft_manifest
from builder.families.unread import listed, unread_outputs
from runtimes.signature import Tensor
from tests.zoo import yolov8
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
        (Step("rows"), (MASKS,)),
        (Step("masks"), (ROWS, SIDE)),
        (Step("rows", ("masks",)), ()),
        (Function({"a": Step("rows"), "b": Step("masks")}), ()),
        (Step("other"), ()),  # the step finds its outputs at run time
    ],
)
def test_outputs_that_no_step_names_are_unread(bound: object, unread: tuple[Tensor, ...]) -> None:
    assert unread_outputs(bound, (ROWS, MASKS, SIDE)) == unread


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
