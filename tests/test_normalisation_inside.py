"""Interactors whose graphs normalise images themselves: init does not do it a second time."""

from base64 import b64encode
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from onnx import helper, numpy_helper

from builder.families.init import draft_manifest, write_manifest
from builder.lint.examine import plan
from builder.manifest.variants import VARIANTS
from builder.targets.build import build
from runtimes import rle
from tests.local_function import LocalFunction
from tests.scenes import iou, scene

MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
SCENE = scene()


def normalising(source: Path, path: Path, unit: float, *, folded: bool = False) -> Path:
    """A model that does to its image itself what SAM's images need.

    Args:
        source: the model that takes normalised images.
        path: of the new one.
        unit: what stands for a whole pixel: 255 for values in 0..255, 1 for those in 0..1.
        folded: as a product and a sum, as optimisers write it.
    """
    model = onnx.load(source)
    mean, std = (it.reshape(1, 3, 1, 1) * unit / 255 for it in (MEAN, STD))
    (name,) = (it.name for it in model.graph.input if "image" in it.name)
    for node in model.graph.node:
        for place, taken in enumerate(node.input):
            if taken == name:
                node.input[place] = "normalised"
    steps = [("Mul", 1 / std), ("Add", -mean / std)] if folded else [("Sub", mean), ("Div", std)]
    for number, (op, numbers) in enumerate(steps):
        constant = numpy_helper.from_array(numbers.astype(np.float32), f"numbers_{number}")
        model.graph.initializer.append(constant)
        source_name, target = (name, "between") if not number else ("between", "normalised")
        node = helper.make_node(op, [source_name, constant.name], [target])
        model.graph.node.insert(number, node)
    onnx.save_model(model, path)
    return path


FORMS = [(255, False, 1), (1, True, 255)]


@pytest.mark.parametrize(("unit", "folded", "values"), FORMS)
@pytest.mark.parametrize("together", [False, True], ids=["encoder and decoder", "one model"])
def test_a_click_returns_the_shape_and_nothing_is_normalised_twice(
    tmp_path: Path, click_models: Path, together: bool, unit: float, folded: bool, values: int
) -> None:
    encoder = click_models / ("only.onnx" if together else "sam-encoder.onnx")
    files = [normalising(encoder, tmp_path / "m.onnx", unit, folded=folded)]
    if not together:
        files.append(click_models / "sam.onnx")
    draft = draft_manifest(files, tmp_path)
    assert draft.ranking.sureness == "sure"
    text = draft.text
    data = yaml.safe_load(text)
    assert data["preprocess"][1:] == [{"normalize": values}]
    assert "guessed: the graph itself" not in text
    write_manifest(text, tmp_path / "m.yaml", force=False)
    folder = build(plan(tmp_path / "m.yaml"), tmp_path / "b", force=False).folder
    x, y = SCENE.inside["disc"]
    body = {
        "image": b64encode(SCENE.png).decode(),
        "pos_points": [[x, y]],
        "neg_points": [],
        "obj_bbox": None,
    }
    for variant in VARIANTS:
        function = LocalFunction(folder, variant)
        (shape,) = function.send(body, "application/json").body["shapes"]
        crop, left, top = rle.decode(shape["points"])
        mask = np.zeros((480, 640), np.uint8)
        mask[top : top + crop.shape[0], left : left + crop.shape[1]] = crop
        assert iou(mask, SCENE.shapes["disc"]) >= 0.9


def test_an_encoder_that_normalises_nothing_gets_sams_own(click_models: Path) -> None:
    files = [click_models / "sam-encoder.onnx", click_models / "sam.onnx"]
    (_, values) = yaml.safe_load(draft_manifest(files, click_models).text)["preprocess"]
    assert values["normalize"]["mean"] == pytest.approx(MEAN)
    assert values["normalize"]["std"] == pytest.approx(STD)
