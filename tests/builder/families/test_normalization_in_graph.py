"""Interactors whose graphs normalize images: `init` does not normalize them again."""

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


def normalizing(source: Path, path: Path, unit: float, *, folded: bool = False) -> Path:
    """Write a model that normalizes its image as SAM does.

    Args:
        source: the model that takes normalized images.
        path: of the new model.
        unit: the largest input value: 255 or 1.
        folded: whether it multiplies and adds, as optimizers write it.
    """
    model = onnx.load(source)
    mean, std = (it.reshape(1, 3, 1, 1) * unit / 255 for it in (MEAN, STD))
    (name,) = (it.name for it in model.graph.input if "image" in it.name)
    for node in model.graph.node:
        for place, taken in enumerate(node.input):
            if taken == name:
                node.input[place] = "normalized"
    steps = [("Mul", 1 / std), ("Add", -mean / std)] if folded else [("Sub", mean), ("Div", std)]
    for number, (op, numbers) in enumerate(steps):
        constant = numpy_helper.from_array(numbers.astype(np.float32), f"numbers_{number}")
        model.graph.initializer.append(constant)
        source_name, target = (name, "between") if not number else ("between", "normalized")
        node = helper.make_node(op, [source_name, constant.name], [target])
        model.graph.node.insert(number, node)
    onnx.save_model(model, path)
    return path


FORMS = [(255, False, 1), (1, True, 255)]


@pytest.mark.parametrize(("unit", "folded", "values"), FORMS)
@pytest.mark.parametrize("together", [False, True], ids=["encoder and decoder", "one model"])
def test_a_graph_that_normalizes_gets_no_second_normalization(
    tmp_path: Path, click_models: Path, together: bool, unit: float, folded: bool, values: int
) -> None:
    encoder = click_models / ("only.onnx" if together else "sam-encoder.onnx")
    files = [normalizing(encoder, tmp_path / "m.onnx", unit, folded=folded)]
    if not together:
        files.append(click_models / "sam.onnx")
    draft = draft_manifest(files, tmp_path)
    assert draft.ranking.sureness == "sure"
    text = draft.text
    data = yaml.safe_load(text)
    assert data["preprocess"][1:] == [{"normalize": values}]
    assert "guessed: the graph" not in text
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


def test_an_encoder_without_normalization_gets_that_of_sam(click_models: Path) -> None:
    files = [click_models / "sam-encoder.onnx", click_models / "sam.onnx"]
    (_, values) = yaml.safe_load(draft_manifest(files, click_models).text)["preprocess"]
    assert values["normalize"]["mean"] == pytest.approx(MEAN)
    assert values["normalize"]["std"] == pytest.approx(STD)
